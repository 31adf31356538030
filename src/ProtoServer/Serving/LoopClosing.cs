namespace ProtoServer;

/// <summary>The end of a loop as a token: what waits outside of the loop, for a resolver or a foreign transport, waits no longer than this.</summary>
internal sealed class LoopClosing
{
    private readonly CancellationToken _token;

    private LoopClosing(EventLoop loop)
    {
        // Not disposed: it has neither a timer nor a wait handle, and lives as long as its loop.
        var source = new CancellationTokenSource();
        loop.OnClosing(source.Cancel);
        _token = source.Token;
    }

    /// <summary>Cancelled on the thread that closes <paramref name="loop"/>.</summary>
    public static CancellationToken Of(EventLoop loop) => loop.Local(static loop => new LoopClosing(loop))._token;
}
