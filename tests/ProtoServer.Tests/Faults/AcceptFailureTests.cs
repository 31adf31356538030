using System.Net;

namespace ProtoServer.Tests;

/// <summary>accept(2) fails in this process: it does so on a socket that was shut down, until that listens again.</summary>
public sealed class AcceptFailureTests : IDisposable
{
    private readonly TestLoop _test = new(new EventLoopOptions { Transport = EpollConnectionListenerFactory.IsSupported ? TransportKind.Epoll : TransportKind.Automatic });

    public AcceptFailureTests() => Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "epoll: this system has none");

    public void Dispose() => _test.Dispose();

    [Fact, Trait("Conformance", "A4"), Trait("Conformance", "A5")]
    public async Task Accept_Fails_PausesCalmlyAndWhateverStartsServingDoesNotShortenIt()
    {
        TimeSpan failed = default;
        TimeSpan made = default;
        long iterations = 0;
        int reports = 0;
        _test.Loop.ExceptionHandler = _ =>
        {
            reports++;
            failed = _test.Loop.Time;
            iterations = _test.Loop.Iterations;
        };
        var protocol = new ProbeProtocol
        {
            OnMade = _ =>
            {
                made = _test.Loop.Time;
                iterations = _test.Loop.Iterations - iterations;
            },
        };
        Server server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0);
        EndPoint again = await FailAcceptAsync(() => reports > 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(again);
        Task serving = server.ServeForeverAsync();
        await _test.RunAsync(() =>
        {
            server.StartServing();
            server.PauseAccepting();
            server.ResumeAccepting();
        });
        await protocol.Made.Within();
        await _test.RunAsync(() =>
        {
            // A breath less: the pause begins before it is reported.
            Assert.InRange(made - failed, EpollListener.BackOff - TimeSpan.FromMilliseconds(100), TimeSpan.MaxValue);
            Assert.InRange(iterations, 1, 100);
            Assert.Equal(1, reports);
        });
        peer.Dispose();
        server.Close();
        await serving.Within();
    }

    [Fact, Trait("Conformance", "A4")]
    public async Task Accept_FailsAndItsReportClosesTheServer_NothingIsLeft()
    {
        Server? server = null;
        _test.Loop.ExceptionHandler = _ => server!.Close();
        server = _test.Loop.CreateServer(static () => new ProbeProtocol(), "127.0.0.1", 0);
        EndPoint again = await FailAcceptAsync(() => server.WaitClosedAsync().IsCompleted);
        Assert.Null(again);
        Assert.Empty(await _test.RunAsync(() => _test.Loop.Poller.Handlers.OfType<EpollListener>().ToArray()));
        Assert.Equal(0, await _test.RunAsync(() => _test.Loop.TimerCount));
    }

    [Fact, Trait("Conformance", "A5")]
    public async Task Listener_ShutDownWhileNobodyAccepts_DoesNotKeepTheLoopBusy()
    {
        Server server = _test.Loop.CreateServer(static () => new ProbeProtocol(), "127.0.0.1", 0, new ServerOptions { MaxConnections = 1 });
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await Deadlines.UntilAsync(() => server.Connections == 1, "all that are allowed");
        await ShutDownAsync();
        await _test.IterationsAsync();
        long before = _test.Loop.Iterations;
        // Not a wait for something, but a look at what must not happen.
        await Task.Delay(50);
        Assert.InRange(_test.Loop.Iterations - before, 0, 5);
        Assert.Empty(_test.Reports);
    }

    /// <summary>Shuts the listening socket down, waits for <paramref name="noticed"/>, and lets it listen again where it is still open: the system then gives it another port.</summary>
    private async Task<EndPoint> FailAcceptAsync(Func<bool> noticed)
    {
        EpollListener listener = await ShutDownAsync();
        await Deadlines.UntilAsync(() => _test.RunAsync(noticed).Result, "a failed accept");
        return await _test.RunAsync(() =>
        {
            if (listener.Descriptor < 0)
            {
                return null!;
            }
            Assert.Equal(0, SocketNative.Listen(listener.Descriptor, 16));
            return LocalAddress(listener.Descriptor);
        });
    }

    private async Task<EpollListener> ShutDownAsync()
    {
        const int bothWays = 2; // SHUT_RDWR
        await _test.IterationsAsync();
        EpollListener listener = await _test.RunAsync(() => _test.Loop.Poller.Handlers.OfType<EpollListener>().Single());
        Assert.Equal(0, SocketNative.Shutdown(listener.Descriptor, bothWays));
        return listener;
    }

    private static unsafe IPEndPoint LocalAddress(int descriptor)
    {
        byte* native = stackalloc byte[PeerAddress.MaxNativeLength];
        uint length = PeerAddress.MaxNativeLength;
        Assert.Equal(0, SocketNative.GetSocketName(descriptor, native, &length));
        return (IPEndPoint)PeerAddress.Read(new ReadOnlySpan<byte>(native, (int)length)).ToEndPoint()!;
    }
}
