using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ProtoServer.Tests;

/// <summary><c>ServerOptions.Use</c>, and the middleware that comes with the library.</summary>
public sealed class MiddlewareTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    [Fact]
    public async Task Use_Twice_RunsInOrderAroundTheProtocolOnTheLoop()
    {
        var order = new List<string>();
        var unwound = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var protocol = new ProbeProtocol { OnMade = _ => order.Add("made"), OnLost = _ => order.Add("lost") };
        ServerOptions options = new ServerOptions()
            .Use(next => async connection =>
            {
                Assert.Same(_test.Loop, EventLoop.Current);
                order.Add("first");
                await next(connection);
                order.Add("first ends");
                unwound.SetResult();
            })
            .Use(next => async connection =>
            {
                order.Add("second");
                await next(connection);
                order.Add("second ends");
            });
        Server server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, options);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync("hi");
        await protocol.ReceivedAsync(2);
        peer.HalfClose();
        await protocol.Lost.Within();
        await unwound.Task.Within();
        Assert.Equal(["first", "second", "made", "second ends", "first ends", "lost"], await _test.RunAsync(() => order.ToArray()));
        Assert.Empty(protocol.Violations);
    }

    [Fact]
    public async Task Use_MiddlewareLeavesTheLoop_TheProtocolIsOnIt()
    {
        ServerOptions options = new ServerOptions().Use(next => async connection =>
        {
            await Task.Run(static () => { }).ConfigureAwait(false);
            await next(connection).ConfigureAwait(false);
        });
        EventLoop? madeOn = null;
        var protocol = new ProbeProtocol { OnMade = _ => madeOn = EventLoop.Current };
        Server server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, options);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await protocol.Made.Within();
        Assert.Same(_test.Loop, madeOn);
        peer.HalfClose();
        await protocol.Lost.Within();
        server.Close();
        await server.WaitClosedAsync().Within();
    }

    [Fact]
    public async Task Use_OnlyTheInputReplaced_TheProtocolStaysOnTheLoop()
    {
        ServerOptions options = new ServerOptions().Use(next => async connection =>
        {
            IDuplexPipe plain = connection.Transport;
            // Its continuations run on the thread pool.
            var inspected = new Pipe(new PipeOptions(useSynchronizationContext: false));
            Task copying = CopyAsync(plain.Input, inspected.Writer);
            connection.Transport = new Duplex(inspected.Reader, plain.Output);
            await next(connection);
            connection.Transport = plain;
            await copying;
        });
        var loops = new List<EventLoop?>();
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = data =>
            {
                loops.Add(EventLoop.Current);
                protocol!.Transport.Write(data);
            },
        };
        Server server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, options);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        foreach (string text in new[] { "one", "two" })
        {
            await peer.SendAsync(text);
            Assert.Equal(text, await peer.ReceiveTextAsync(3));
        }
        peer.HalfClose();
        Assert.Empty(await peer.ReceiveToEndAsync());
        Assert.Null(await protocol.Lost.Within());
        Assert.All(await _test.RunAsync(() => loops.ToArray()), loop => Assert.Same(_test.Loop, loop));
        Assert.Empty(_test.Reports);

        static async Task CopyAsync(PipeReader from, PipeWriter to)
        {
            await from.CopyToAsync(to);
            await to.CompleteAsync();
        }
    }

    [Theory]
    [InlineData(TransportKind.Epoll)]
    [InlineData(TransportKind.Sockets)]
    public async Task ConnectionClosed_CallbackThrows_IsReportedAndTheConnectionEnds(TransportKind kind)
    {
        using var test = new TestLoop(new EventLoopOptions { Transport = kind });
        ServerOptions options = new ServerOptions().Use(next => connection =>
        {
            connection.ConnectionClosed.Register(static () => throw new InvalidDataException("callback"));
            return next(connection);
        });
        var protocol = new ProbeProtocol();
        Server server = test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, options);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await protocol.Made.Within();
        // More than the kernel takes: the end comes when the peer has read, long after the close.
        await test.RunAsync(() =>
        {
            protocol.Transport.Write(new byte[8_000_000]);
            protocol.Transport.Close();
        });
        await peer.ReceiveExactlyAsync(8_000_000);
        Assert.Null(await protocol.Lost.Within(TimeSpan.FromSeconds(8)));
        Assert.IsType<InvalidDataException>(Assert.Single(test.Reports).Exception);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Use_MiddlewareThatNeverEnds_DoesNotKeepTheServer(bool beforeTheProtocol)
    {
        ServerOptions options = new ServerOptions { CloseTimeout = TimeSpan.FromMilliseconds(50) }.Use(next => async connection =>
        {
            if (!beforeTheProtocol)
            {
                await next(connection);
            }
            await new TaskCompletionSource().Task;
        });
        Server server = _test.Loop.CreateServer(static () => new EchoProtocol(), "127.0.0.1", 0, options);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection");
        await server.ShutdownAsync(TimeSpan.FromMilliseconds(50)).Within();
        Assert.IsType<TimeoutException>(Assert.Single(_test.Reports).Exception);
        Assert.Equal(0, server.Connections);
        await peer.EndAsync();
    }

    [Fact]
    public async Task Use_NextIsCalledAfterTheMiddlewareEnded_ThrowsAndHarmsNoOtherConnection()
    {
        var late = new TaskCompletionSource();
        Task? lateNext = null;
        int connections = 0;
        ServerOptions options = new ServerOptions().Use(next => connection =>
        {
            if (connections++ > 0)
            {
                return next(connection);
            }
            lateNext = GoOnLateAsync(next, connection);
            return Task.CompletedTask;
        });
        Server server = _test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, options);
        using SocketPeer first = await SocketPeer.ConnectAsync(server.Port);
        Assert.Empty(await first.ReceiveToEndAsync());
        using SocketPeer second = await SocketPeer.ConnectAsync(server.Port);
        await second.SendAsync("served");
        Assert.Equal("served", await second.ReceiveTextAsync(6));
        await _test.RunAsync(late.SetResult);
        await Assert.ThrowsAsync<InvalidOperationException>(() => lateNext!.Within());
        Assert.Equal(1, server.Connections);
        DrainReport report = await server.ShutdownAsync().Within();
        Assert.Equal((1, 0), (report.Closed, report.Aborted));
        Assert.Empty(await second.ReceiveToEndAsync());
        Assert.Empty(_test.Reports);

        async Task GoOnLateAsync(ConnectionDelegate next, ConnectionContext connection)
        {
            await late.Task;
            await next(connection);
        }
    }

    [Fact]
    public async Task Use_MiddlewareThrows_IsReportedAndTheServerGoesOn()
    {
        bool fail = true;
        ServerOptions options = new ServerOptions().Use(next => connection => fail ? throw new InvalidDataException("no") : next(connection));
        Server server = _test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, options);
        // The reset may overtake the connect itself.
        _ = await Record.ExceptionAsync(async () => (await SocketPeer.ConnectAsync(server.Port)).Dispose());
        await Deadlines.UntilAsync(() => _test.Reports.Count == 1 && server.Connections == 0, "one report, no connection");
        Assert.IsType<InvalidDataException>(_test.Reports[0].Exception);
        fail = false;
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync("still there");
        Assert.Equal("still there", await peer.ReceiveTextAsync(11));
    }

    [Fact]
    public async Task Shutdown_ConnectionStillInMiddleware_IsAbortedAtTheDeadline()
    {
        ServerOptions options = new ServerOptions().Use(_ => async connection => await connection.Transport.Input.ReadAsync());
        Server server = _test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, options);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection counts");
        DrainReport report = await server.ShutdownAsync(TimeSpan.FromMilliseconds(50)).Within();
        Assert.Equal(1, report.Aborted);
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task ByteLog_Echo_LogsEachEventOnOneEscapedLine()
    {
        var log = new CollectingLogger();
        Server server = _test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions().UseByteLog(log, LogLevel.Information, limitBytes: 8));
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync("a\"\r\n\u0001\u00ff");
        await peer.ReceiveTextAsync(6);
        await peer.SendAsync("0123456789");
        await peer.ReceiveTextAsync(10);
        peer.HalfClose();
        await peer.ReceiveToEndAsync();
        await Deadlines.UntilAsync(() => log.Lines.Count == 7, "seven lines");
        string[] lines = [.. log.Lines.Select(static line => line.Text)];
        string id = lines[0][..lines[0].IndexOf(" open ", StringComparison.Ordinal)];
        Assert.Equal(
            [
                $"{id} < 6 \"a\\\"\\r\\n\\x01\\xff\"",
                $"{id} > 6 \"a\\\"\\r\\n\\x01\\xff\"",
                $"{id} < 10 \"01234567\" and 2 more",
                $"{id} > 10 \"01234567\" and 2 more",
                $"{id} < end",
                $"{id} closed",
            ],
            lines[1..]);
    }

    [Fact]
    public async Task ByteLog_LargeTransfer_ChangesNothing()
    {
        Server server = _test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions { WriteLimitBytes = 8_000_000 }.UseByteLog(new CollectingLogger(), LogLevel.Information, limitBytes: 1));
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        byte[] sent = new byte[2_000_000];
        new Random(5).NextBytes(sent);
        Task sending = Task.Run(() => peer.SendAsync(sent));
        Assert.Equal(sent, await peer.ReceiveExactlyAsync(sent.Length));
        await sending.Within();
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nhello", "192.0.2.7:56324")]
    [InlineData("PROXY UNKNOWN\r\nhello", null)]
    public async Task ProxyProtocol_TrustedSource_ShowsTheClientAndPassesTheRest(string sent, string? expected)
    {
        var protocol = new ProbeProtocol();
        Server server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, new ServerOptions().UseProxyProtocol([IPNetwork.Parse("127.0.0.0/8")]));
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        foreach (char letter in sent)
        {
            await peer.SendAsync(letter.ToString());
        }
        await protocol.ReceivedAsync(5);
        Assert.Equal("hello", protocol.ReceivedText);
        Assert.Equal(expected ?? peer.Socket.LocalEndPoint!.ToString(), await _test.RunAsync(() => protocol.Transport.RemoteEndPoint!.ToString()));
    }

    [Fact]
    public async Task ProxyProtocol_UntrustedSource_IsServedWithoutBelievingIt()
    {
        var protocol = new ProbeProtocol();
        Server server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, new ServerOptions().UseProxyProtocol([IPNetwork.Parse("10.0.0.0/8")]));
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync("PROXY UNKNOWN\r\n");
        await protocol.ReceivedAsync(15);
        Assert.Equal(peer.Socket.LocalEndPoint!.ToString(), await _test.RunAsync(() => protocol.Transport.RemoteEndPoint!.ToString()));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n")]
    public async Task ProxyProtocol_TrustedSourceSendsNoGoodHeader_IsClosedWithoutAProtocol(string sent)
    {
        int made = 0;
        Server server = _test.Loop.CreateServer(() => { made++; return new EchoProtocol(); }, "127.0.0.1", 0, new ServerOptions().UseProxyProtocol([IPNetwork.Parse("127.0.0.1/32")]));
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync(sent);
        await peer.EndAsync();
        Assert.Equal(0, made);
        Assert.Empty(_test.Reports);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(-1.0)]
    [InlineData(25 * 3600.0)]
    public void ProxyProtocol_TimeoutOutOfRange_IsRefusedAtOnce(double seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>("timeout", () => new ServerOptions().UseProxyProtocol([IPNetwork.Parse("127.0.0.1/32")], TimeSpan.FromSeconds(seconds)));

    [Fact]
    public async Task ProxyProtocol_TrustedSourceIsSilent_IsClosedAtTheDeadline()
    {
        Server server = _test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions().UseProxyProtocol([IPNetwork.Parse("127.0.0.1/32")], TimeSpan.FromMilliseconds(30)));
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.EndAsync();
        await Deadlines.UntilAsync(() => server.Connections == 0, "no connection");
        Assert.Empty(_test.Reports);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
