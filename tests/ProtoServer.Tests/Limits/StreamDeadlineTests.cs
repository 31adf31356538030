using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests.Limits;

/// <summary>The deadlines of a connection, where a handler awaits on it: the same as for a protocol, on each transport of ours.</summary>
public sealed class StreamDeadlineTests : IDisposable
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(60);

    private readonly List<IDisposable> _cleanUp = [];

    public static TheoryData<TransportKind> Transports => EpollConnectionListenerFactory.IsSupported ? [TransportKind.Epoll, TransportKind.Sockets] : [TransportKind.Sockets];

    public void Dispose() => _cleanUp.ForEach(static item => item.Dispose());

    [Theory, MemberData(nameof(Transports))]
    public async Task Idle_SilentPeer_FailsTheReadAndCloses(TransportKind kind) => await AssertReadFailsAsync(kind, new ServerOptions { IdleTimeout = s_short }, "x", "Neither received nor sent");

    [Theory, MemberData(nameof(Transports))]
    public async Task FirstData_SilentPeer_FailsTheReadAndCloses(TransportKind kind) => await AssertReadFailsAsync(kind, new ServerOptions { FirstDataTimeout = s_short }, "", "said nothing within");

    [Theory, MemberData(nameof(Transports))]
    public async Task Lifetime_AnyPeer_FailsTheReadAndCloses(TransportKind kind) => await AssertReadFailsAsync(kind, new ServerOptions { MaxLifetime = s_short }, "x", "lifetime");

    [Theory, MemberData(nameof(Transports))]
    public async Task FirstData_PeerThatSpoke_Stays(TransportKind kind)
    {
        var clock = new HandClock();
        TestLoop test = Start(kind, clock);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(test, EchoLinesAsync, ended, new ServerOptions { FirstDataTimeout = s_short });
        SocketPeer peer = await ConnectAsync(server);
        await peer.SendAsync("here\n");
        await peer.ReceiveExactlyAsync(5);
        clock.Advance(s_short * 3);
        await test.IterationsAsync(10);
        await peer.SendAsync("still\n");
        Assert.Equal("still\n", await peer.ReceiveTextAsync(6));
        Assert.False(ended.Task.IsCompleted);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task DataRate_LineThatDrips_FailsTheReadAndResets(TransportKind kind)
    {
        TestLoop test = Start(kind);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(test, EchoLinesAsync, ended, new ServerOptions { MinReceiveBytesPerSecond = 1000, MinReceiveRateGrace = s_short });
        SocketPeer peer = await ConnectAsync(server);
        bool reset = false;
        while (!ended.Task.IsCompleted && !reset)
        {
            try
            {
                await peer.SendAsync("x");
            }
            catch (SocketException)
            {
                // Told once: a receive would find an end.
                reset = true;
            }
            await Task.Delay(5);
        }
        TimeoutException missed = await Assert.ThrowsAsync<TimeoutException>(() => ended.Task.Within());
        Assert.Contains("less than 1000 bytes per second", missed.Message, StringComparison.Ordinal);
        Assert.True(reset || await peer.EndAsync());
        Assert.Empty(test.Reports);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task DataRate_HandlerThatTakesItsTime_IsNoFaultOfThePeers(TransportKind kind)
    {
        // Time goes on where the handler takes its own, and nowhere else.
        var clock = new HandClock();
        TestLoop test = Start(kind, clock);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(
            test,
            async connection =>
            {
                ReadResult first = await connection.Input.ReadAsync();
                connection.Input.AdvanceTo(first.Buffer.Start, first.Buffer.End);
                began.SetResult();
                ReadResult second = await connection.Input.ReadAtLeastAsync(2);
                clock.Advance(TimeSpan.FromMinutes(1));
                connection.Input.AdvanceTo(second.Buffer.Start, second.Buffer.End);
                ValueTask<ReadResult> third = connection.Input.ReadAtLeastAsync(3);
                waits.SetResult();
                connection.Input.AdvanceTo((await third).Buffer.End);
                await connection.WriteLineAsync("in time");
            },
            ended,
            new ServerOptions { MinReceiveBytesPerSecond = 1, MinReceiveRateGrace = s_short });
        SocketPeer peer = await ConnectAsync(server);
        await peer.SendAsync("a");
        await began.Task.Within();
        await peer.SendAsync("b");
        await waits.Task.Within();
        await test.IterationsAsync(10);
        await peer.SendAsync("c");
        Assert.Equal("in time\n", await peer.ReceiveTextAsync(8));
        await ended.Task.Within();
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task WriteStall_PeerThatTakesNothing_ResetsAndEndsTheFlush(TransportKind kind)
    {
        TestLoop test = Start(kind);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(
            test,
            static async connection =>
            {
                connection.Output.Write(new byte[16 * 1024 * 1024]);
                FlushResult flush = await connection.Output.FlushAsync();
                Assert.True(flush.IsCompleted);
                await connection.Input.ReadAsync();
            },
            ended,
            new ServerOptions { WriteStallTimeout = s_short });
        SocketPeer peer = await ConnectAsync(server);
        TimeoutException missed = await Assert.ThrowsAsync<TimeoutException>(() => ended.Task.Within());
        Assert.Contains("took nothing", missed.Message, StringComparison.Ordinal);
        Assert.True(await peer.EndAsync());
        Assert.Empty(test.Reports);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Lifetime_HandlerThatDoesNotRead_IsCutOffAtTheCloseTimeout(TransportKind kind)
    {
        TestLoop test = Start(kind);
        var never = new TaskCompletionSource();
        Server server = test.Loop.StartServer(_ => never.Task, "127.0.0.1", 0, new ServerOptions { MaxLifetime = s_short, CloseTimeout = s_short });
        SocketPeer peer = await ConnectAsync(server);
        Assert.True(await peer.EndAsync());
        await test.RunAsync(never.SetResult);
        await Deadlines.UntilAsync(() => server.Connections == 0, "the end of the connection");
    }

    [Fact]
    public async Task Client_SilentServer_FailsTheRead()
    {
        TestLoop test = Start(TransportKind.Automatic);
        Server server = test.Loop.StartServer(static connection => connection.Input.ReadAsync().AsTask(), "127.0.0.1", 0);
        await test.RunAsync(async () =>
        {
            await using StreamConnection client = await test.Loop.OpenConnectionAsync("127.0.0.1", server.Port, new ClientOptions { IdleTimeout = s_short });
            await Assert.ThrowsAsync<TimeoutException>(() => client.ReadLineAsync().AsTask());
            // It stays missed.
            await Assert.ThrowsAsync<TimeoutException>(() => client.ReadLineAsync().AsTask());
        });
    }

    private async Task AssertReadFailsAsync(TransportKind kind, ServerOptions options, string sent, string message)
    {
        TestLoop test = Start(kind);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(test, EchoLinesAsync, ended, options);
        SocketPeer peer = await ConnectAsync(server);
        await peer.SendAsync(sent);
        TimeoutException missed = await Assert.ThrowsAsync<TimeoutException>(() => ended.Task.Within());
        Assert.Contains(message, missed.Message, StringComparison.Ordinal);
        // It closes, as a handler that met no deadline does: no reset.
        Assert.False(await peer.EndAsync());
        peer.Dispose();
        await Deadlines.UntilAsync(() => server.Connections == 0, "the end of the connection");
        Assert.Empty(test.Reports);
    }

    private static async Task EchoLinesAsync(StreamConnection connection)
    {
        await foreach (string line in connection.ReadLinesAsync())
        {
            await connection.WriteLineAsync(line);
        }
    }

    private static Server Serve(TestLoop test, Func<StreamConnection, Task> handler, TaskCompletionSource ended, ServerOptions options) => test.Loop.StartServer(
        async connection =>
        {
            try
            {
                await handler(connection);
                ended.TrySetResult();
            }
            catch (Exception exception)
            {
                ended.TrySetException(exception);
                throw;
            }
        },
        "127.0.0.1",
        0,
        options);

    private TestLoop Start(TransportKind kind, TimeProvider? clock = null)
    {
        var test = new TestLoop(new EventLoopOptions { Transport = kind, Clock = clock ?? TimeProvider.System });
        _cleanUp.Insert(0, test);
        return test;
    }

    private async Task<SocketPeer> ConnectAsync(Server server)
    {
        SocketPeer peer = await SocketPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port));
        _cleanUp.Insert(0, peer);
        return peer;
    }
}
