using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>Connections from elsewhere that end badly: in their pipes, in <c>Abort</c>, in <c>DisposeAsync</c>.</summary>
public sealed class ForeignEndTests : IDisposable
{
    private readonly TestLoop _test = new();
    private readonly HandedConnections _transport = new();

    public void Dispose() => _test.Dispose();

    private Server Serve(Func<IProtocol> factory, TimeSpan? closeTimeout = null) =>
        _test.Loop.CreateServer(factory, "127.0.0.1", 0, new ServerOptions { Transport = _transport, CloseTimeout = closeTimeout ?? TimeSpan.FromSeconds(5) });

    [Fact, Trait("Conformance", "P16")]
    public async Task Read_FailsWithWhatNoNetworkDoes_IsReportedAndLosesTheConnection()
    {
        var protocol = new ProbeProtocol();
        Server server = Serve(() => protocol);
        var pipes = new Pipes();
        _transport.Hand(new DefaultConnectionContext("corrupt", pipes, pipes));
        await protocol.Made.Within();
        await pipes.Received.Writer.CompleteAsync(new InvalidDataException("corrupt"));
        IOException lost = Assert.IsType<IOException>(await protocol.Lost.Within());
        Assert.Equal("corrupt", Assert.IsType<InvalidDataException>(lost.InnerException).Message);
        Assert.Same(lost.InnerException, Assert.Single(_test.Reports).Exception);
        Assert.Empty(protocol.Violations);
        server.Close();
        await server.WaitClosedAsync().Within();
    }

    [Fact, Trait("Conformance", "P13")]
    public async Task Read_FailsWithAReset_IsNotReported()
    {
        var protocol = new ProbeProtocol();
        Serve(() => protocol);
        var pipes = new Pipes();
        _transport.Hand(new DefaultConnectionContext("reset", pipes, pipes));
        await protocol.Made.Within();
        await pipes.Received.Writer.CompleteAsync(new ConnectionResetException("gone"));
        Assert.IsType<ConnectionResetException>(await protocol.Lost.Within());
        Assert.Empty(_test.Reports);
    }

    // Disposed before its token is cancelled, which it leaves to the thread pool, such a connection throws there: that would end this process.
    [Theory]
    [InlineData(EndedBy.Factory)]
    [InlineData(EndedBy.Protocol)]
    [InlineData(EndedBy.Server)]
    public async Task DefaultConnectionContext_Aborted_IsCancelledBeforeItIsDisposed(EndedBy by)
    {
        const int count = 200;
        Server server = Serve(() => by == EndedBy.Factory
            ? throw new InvalidOperationException("no protocol")
            : new ProbeProtocol { OnMade = transport => End(transport) });
        void End(ITransport transport)
        {
            if (by == EndedBy.Protocol)
            {
                transport.Abort();
            }
        }
        WatchedContext[] connections = [.. Enumerable.Range(0, count).Select(static _ => new WatchedContext())];
        Array.ForEach(connections, _transport.Hand);
        await Deadlines.UntilAsync(() => server.TotalConnections == count, $"{count} accepted");
        if (by == EndedBy.Server)
        {
            server.AbortClients();
        }
        bool[] cancelledFirst = await Task.WhenAll(connections.Select(static connection => connection.Disposed)).Within();
        Assert.All(cancelledFirst, Assert.True);
        server.Close();
        await server.WaitClosedAsync().Within();
    }

    [Fact]
    public async Task Context_ThatThrowsAtItsEnd_IsReportedAndTheServerClosesAllTheSame()
    {
        int made = 0;
        Server server = Serve(() => made++ == 0 ? throw new InvalidOperationException("no protocol") : new ProbeProtocol());
        _transport.Hand(new WatchedContext { Throws = true });
        _transport.Hand(new WatchedContext { Throws = true });
        _transport.Hand(new WatchedContext());
        await Deadlines.UntilAsync(() => server.Connections == 2, "two connections");
        server.Close();
        server.AbortClients();
        await server.WaitClosedAsync().Within();
        // The one that was refused is no connection of the server's: its end is reported when it comes.
        await Deadlines.UntilAsync(() => Reported("abort") && Reported("dispose"), "reports of both");

        bool Reported(string message) => _test.Reports.Any(report => report.Exception is NotSupportedException failure && failure.Message == message);
    }

    [Fact]
    public async Task Context_ThatNeverEnds_IsGivenUpAfterTheCloseTimeout()
    {
        Server server = Serve(static () => throw new InvalidOperationException("no protocol"), closeTimeout: TimeSpan.FromMilliseconds(50));
        _transport.Hand(new WatchedContext { Hangs = true });
        await Deadlines.UntilAsync(() => _test.Reports.Any(static report => report.Exception is TimeoutException), "a report of the time-out");
        server.Close();
        await server.WaitClosedAsync().Within();
    }

    [Fact]
    public async Task Context_ThatNeverEndsUnderAHandler_DoesNotKeepTheServer()
    {
        Server server = _test.Loop.StartServer(
            static async connection => await connection.ReadLineAsync(),
            new IPEndPoint(IPAddress.Loopback, 1),
            new ServerOptions { Transport = _transport, CloseTimeout = TimeSpan.FromMilliseconds(50) });
        _transport.Hand(new WatchedContext { Hangs = true });
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection");
        await server.ShutdownAsync(TimeSpan.FromMilliseconds(50)).Within();
        Assert.IsType<TimeoutException>(Assert.Single(_test.Reports).Exception);
    }

    [Theory]
    [InlineData(HungListener.Step.Accept)]
    [InlineData(HungListener.Step.Unbind)]
    [InlineData(HungListener.Step.Dispose)]
    public async Task Listener_ThatNeverEnds_DoesNotKeepTheServer(HungListener.Step step)
    {
        var listener = new HungListener(step);
        await ServeUntilShutdownAsync(listener);
        Assert.IsType<TimeoutException>(Assert.Single(_test.Reports).Exception);
        if (step == HungListener.Step.Accept)
        {
            // It comes after all: nobody serves it, so it is closed.
            var late = new WatchedContext();
            listener.Hand(late);
            await late.Disposed.Within();
        }
    }

    [Fact]
    public async Task Listener_HandsAConnectionWhenTheLoopIsClosed_IsNotLeftWithIt()
    {
        var listener = new HungListener(HungListener.Step.Accept);
        await ServeUntilShutdownAsync(listener);
        _test.Loop.Dispose();
        var late = new WatchedContext();
        listener.Hand(late);
        await late.Disposed.Within();
    }

    private async Task ServeUntilShutdownAsync(HungListener listener)
    {
        Server server = _test.Loop.CreateServer(
            static () => new ProbeProtocol(),
            listener.EndPoint,
            new ServerOptions { Transport = listener, CloseTimeout = TimeSpan.FromMilliseconds(50) });
        await listener.Asked.Within();
        await server.ShutdownAsync(TimeSpan.FromMilliseconds(50)).Within();
    }

    public enum EndedBy
    {
        Factory,
        Protocol,
        Server,
    }

    /// <summary>Two pipes in memory.</summary>
    private sealed class Pipes : IDuplexPipe
    {
        public Pipe Received { get; } = new();

        public Pipe Sent { get; } = new();

        public PipeReader Input => Received.Reader;

        public PipeWriter Output => Sent.Writer;
    }

    private sealed class WatchedContext : DefaultConnectionContext
    {
        private readonly TaskCompletionSource<bool> _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public WatchedContext() => Transport = new Pipes();

        public bool Throws { get; init; }

        public bool Hangs { get; init; }

        /// <summary>Whether it was cancelled by then.</summary>
        public Task<bool> Disposed => _disposed.Task;

        public override void Abort(ConnectionAbortedException abortReason)
        {
            if (Throws)
            {
                throw new NotSupportedException("abort");
            }
            base.Abort(abortReason);
        }

        public override async ValueTask DisposeAsync()
        {
            _disposed.TrySetResult(ConnectionClosed.IsCancellationRequested);
            if (Throws)
            {
                throw new NotSupportedException("dispose");
            }
            if (Hangs)
            {
                await new TaskCompletionSource().Task;
            }
            await base.DisposeAsync();
        }
    }
}
