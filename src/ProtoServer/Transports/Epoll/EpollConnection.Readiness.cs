using System.Runtime.InteropServices;

namespace ProtoServer;

// What the kernel says, and what we ask it to say.
internal sealed partial class EpollConnection
{
    void IPollHandler.OnReady(uint events)
    {
        if ((events & EpollNative.Out) != 0)
        {
            _writer.Send();
            FinishIfSent();
        }
        if (IsDead || (events & (EpollNative.In | EpollNative.Error | EpollNative.HangUp)) == 0)
        {
            return;
        }
        if (_lingering)
        {
            Discard();
        }
        else if (_reader.IsWaiting)
        {
            Receive();
        }
        else
        {
            Ignore(events);
        }
    }

    void IPollHandler.OnLoopClosing() => Abort(new Microsoft.AspNetCore.Connections.ConnectionAbortedException("The event loop was closed."));

    /// <summary>The reader waits for bytes.</summary>
    public void WantRead()
    {
        if (_suspended && !IsDead)
        {
            _suspended = false;
            Shared.Poller.Resume(_slot, Descriptor, _interest | EpollNative.In);
            _interest |= EpollNative.In;
        }
        else if ((_interest & EpollNative.In) == 0)
        {
            SetInterest(_interest | EpollNative.In);
        }
    }

    /// <summary>The writer began or ceased to wait for room.</summary>
    public void UpdateInterest() =>
        SetInterest(_writer.IsBlocked ? _interest | EpollNative.Out : _interest & ~EpollNative.Out);

    private void SetInterest(uint interest)
    {
        if (interest == _interest || IsDead)
        {
            return;
        }
        _interest = interest;
        if (_suspended)
        {
            _suspended = false;
            Shared.Poller.Resume(_slot, Descriptor, interest);
        }
        else
        {
            Shared.Poller.Modify(_slot, Descriptor, interest);
        }
    }

    // One receive per readiness and iteration, at most a receive buffer full: a peer that sends as fast as we read does not keep the loop. Level-triggered epoll tells us of the rest.
    private unsafe void Receive()
    {
        Block block = Shared.ReceiveBlock;
        nint count = SocketNative.Receive(Descriptor, block.Address, (nuint)block.Size, 0);
        if (count > 0)
        {
            try
            {
                _reader.OnReceived(block, (int)count);
            }
            finally
            {
                if (_reader.HoldsLentBlock)
                {
                    _reader.KeepLentBlock();
                    Shared.GiveReceiveBlockAway();
                }
            }
            return;
        }
        if (count == 0)
        {
            _reader.OnEnd();
            return;
        }
        int errno = Marshal.GetLastSystemError();
        if (errno is not Errno.Again and not Errno.Interrupted)
        {
            LoseNow(errno);
        }
    }

    // Nobody waits for bytes. A reset is acted upon all the same; bytes and FIN stay in the kernel until somebody reads, which is what holds the peer back.
    private void Ignore(uint events)
    {
        if ((events & EpollNative.Error) != 0)
        {
            int errno = SocketNative.GetOption(Descriptor, SocketNative.SolSocket, SocketNative.SocketError);
            if (errno > 0)
            {
                LoseNow(errno);
                return;
            }
        }
        if ((events & EpollNative.HangUp) != 0)
        {
            _suspended = true;
            _interest &= ~EpollNative.In;
            Shared.Poller.Suspend(_slot, Descriptor);
        }
        else
        {
            SetInterest(_interest & ~EpollNative.In);
        }
    }

    // From the poller, where nobody's call is under way: no need to wait for the next iteration.
    private void LoseNow(int errno)
    {
        CloseDescriptor();
        Error = Errno.ToConnectionException(errno);
        TellLost();
    }
}
