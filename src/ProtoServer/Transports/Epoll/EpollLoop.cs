namespace ProtoServer;

/// <summary>What all epoll connections of one loop share: the poller, the blocks, and the one receive buffer that is lent to each of them in turn. Loop thread only.</summary>
internal sealed class EpollLoop
{
    private EpollLoop(EventLoop loop)
    {
        Loop = loop;
        Poller = (EpollPoller)loop.Poller;
        ReceiveBlock = new Block(loop.Options.ReceiveBufferBytes);
    }

    public EventLoop Loop { get; }

    public EpollPoller Poller { get; }

    public BlockPool Blocks { get; } = new();

    /// <summary>Where the next receive goes.</summary>
    public Block ReceiveBlock { get; private set; }

    public static EpollLoop Of(EventLoop loop) => loop.Local(static loop => new EpollLoop(loop));

    /// <summary>The borrower keeps the receive buffer beyond its callback: it becomes the borrower's, and the loop takes another.</summary>
    public void GiveReceiveBlockAway()
    {
        int size = Loop.Options.ReceiveBufferBytes;
        ReceiveBlock = size == BlockPool.LargeBytes ? Blocks.Rent(size) : new Block(size);
    }
}
