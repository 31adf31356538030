using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests.Clients;

/// <summary>CreateConnectionAsync: one address, options, errors, ends.</summary>
public class ConnectTests
{
    [Fact]
    public async Task Connect_FromAnotherThread_EchoesAndCloses()
    {
        using EventLoop loop = EventLoop.Start();
        using EventLoop clients = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer { Echoes = true }, "127.0.0.1", 0);
        (ITransport transport, Peer peer) = await clients.CreateConnectionAsync(() => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        Assert.Same(transport, peer.Transport);
        await clients.OnLoop(() => transport.Write("hello"u8));
        await peer.ReceivedAtLeast(5);
        Assert.Equal("hello", peer.Received);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(transport.LocalEndPoint).Address);
        await clients.OnLoop(transport.Close);
        Assert.Null(await peer.Lost);
        Assert.Equal(0, await clients.Watched());
    }

    [Fact]
    public async Task Connect_OnTheLoop_ReturnsAfterConnectionMadeAndOnTheLoop()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer { Echoes = true }, "127.0.0.1", 0);
        Peer peer = await loop.OnLoop(async () =>
        {
            (ITransport transport, Peer made) = await loop.CreateConnectionAsync(() => new Peer(), "127.0.0.1", server.Port);
            Assert.Same(loop, EventLoop.Current);
            Assert.NotNull(made.Transport);
            transport.Write("at once"u8);
            return made;
        });
        await peer.ReceivedAtLeast(7);
        Assert.Equal("at once", peer.Received);
    }

    [Fact, Trait("Conformance", "K1")]
    public async Task Connect_NobodyListens_ThrowsWithAddressAndReason()
    {
        using EventLoop loop = EventLoop.Start();
        int port = FreePort();
        ConnectException refused = await Assert.ThrowsAsync<ConnectException>(() => Connect(loop, port));
        ConnectFailure only = Assert.Single(refused.Failures);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, port), only.EndPoint);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(only.Error).SocketErrorCode);
        Assert.Equal($"Cannot connect to 127.0.0.1 port {port}: 127.0.0.1:{port}: Connection refused.", refused.Message);
        Assert.Equal(0, await loop.Watched());
    }

    [Fact, Trait("Conformance", "K1")]
    public async Task Connect_NameWithoutAddress_ThrowsAndNamesIt()
    {
        using EventLoop loop = EventLoop.Start();
        var options = new ClientOptions { Resolver = static (_, _) => throw new SocketException((int)SocketError.HostNotFound) };
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(() => new Peer(), "nowhere.invalid", 80, options).WaitAsync(Within.Deadline));
        Assert.Empty(failed.Failures);
        Assert.Contains("nowhere.invalid", failed.Message, StringComparison.Ordinal);
        Assert.IsType<SocketException>(failed.InnerException);
    }

    [Fact]
    public async Task Connect_ByName_UsesTheSystemsResolver()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        // localhost is ::1 too on most machines, where nobody listens: the refused address is passed.
        (ITransport transport, _) = await loop.CreateConnectionAsync(() => new Peer(), "localhost", server.Port).WaitAsync(Within.Deadline);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65536)]
    [InlineData(-1)]
    public async Task Connect_PortOutOfRange_Throws(int port)
    {
        using EventLoop loop = EventLoop.Start();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Connect(loop, port));
    }

    [Fact]
    public async Task Connect_ClosedLoop_Throws()
    {
        EventLoop loop = EventLoop.Start();
        loop.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Connect(loop, 1));
    }

    [Fact]
    public async Task Connect_NoAnswer_EndsAtTheTimeoutAndLeavesNothing()
    {
        using EventLoop loop = EventLoop.Start();
        using var hole = new BlackHole();
        var options = new ClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) };
        ConnectException late = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(() => new Peer(), "127.0.0.2", hole.Port, options).WaitAsync(Within.Deadline));
        Assert.IsType<TimeoutException>(Assert.Single(late.Failures).Error);
        Assert.Contains($"127.0.0.2:{hole.Port}: no answer within 0.05 s", late.Message, StringComparison.Ordinal);
        Assert.Equal(0, await loop.Watched());
        Assert.Equal(1, Within.ConnectionsTo(hole.EndPoint));
    }

    [Fact]
    public async Task Connect_ResolverNeverAnswers_EndsAtTheTimeout()
    {
        using EventLoop loop = EventLoop.Start();
        var options = new ClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50), Resolver = static (_, _) => new TaskCompletionSource<IPAddress[]>().Task };
        ConnectException late = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(() => new Peer(), "slow.invalid", 80, options).WaitAsync(Within.Deadline));
        Assert.Contains("was not resolved within 0.05 s", late.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connect_Cancelled_ThrowsAndLeavesNothing(bool onLoop)
    {
        using EventLoop loop = EventLoop.Start();
        using var hole = new BlackHole();
        using var cancel = new CancellationTokenSource();
        Task<(ITransport, Peer)> Start() => loop.CreateConnectionAsync(() => new Peer(), "127.0.0.2", hole.Port, null, cancel.Token);
        Task connecting = onLoop ? loop.OnLoop(async () => (await Start()).Item2) : Start();
        // One is the hole's own.
        await Deadlines.UntilAsync(() => Within.ConnectionsTo(hole.EndPoint) == 2, "a connect under way");
        await cancel.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(Within.Deadline));
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        Assert.Equal(0, await loop.Watched());
        Assert.Equal(1, Within.ConnectionsTo(hole.EndPoint));
    }

    [Fact]
    public async Task Connect_CancelledBefore_Throws()
    {
        using EventLoop loop = EventLoop.Start();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop.CreateConnectionAsync(() => new Peer(), "127.0.0.1", 1, null, new CancellationToken(true)).WaitAsync(Within.Deadline));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connect_LoopClosesMeanwhile_Throws(bool resolving)
    {
        EventLoop loop = EventLoop.Start();
        using var hole = new BlackHole();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new ClientOptions
        {
            Resolver = (_, _) =>
            {
                reached.SetResult();
                return resolving ? new TaskCompletionSource<IPAddress[]>().Task : Task.FromResult<IPAddress[]>([BlackHole.Address]);
            },
        };
        Task connecting = loop.CreateConnectionAsync(() => new Peer(), "some.invalid", hole.Port, options);
        await reached.Task.WaitAsync(Within.Deadline);
        await loop.OnLoop(() => { });
        loop.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => connecting.WaitAsync(Within.Deadline));
    }

    [Fact, Trait("Conformance", "K4")]
    public async Task Connect_LocalAddress_IsUsed()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        var options = new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.3"), 0) };
        (ITransport transport, _) = await loop.CreateConnectionAsync(() => new Peer(), "127.0.0.1", server.Port, options).WaitAsync(Within.Deadline);
        Assert.Equal("127.0.0.3", Assert.IsType<IPEndPoint>(transport.LocalEndPoint).Address.ToString());
    }

    [Fact, Trait("Conformance", "K4")]
    public async Task Connect_LocalAddress_PicksTheAddressesOfItsFamily()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        var options = new ClientOptions
        {
            LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            HappyEyeballsDelay = Timeout.InfiniteTimeSpan,
            Resolver = static (_, _) => Task.FromResult<IPAddress[]>([IPAddress.IPv6Loopback, IPAddress.Loopback]),
        };
        (ITransport transport, _) = await loop.CreateConnectionAsync(() => new Peer(), "both.invalid", server.Port, options).WaitAsync(Within.Deadline);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
    }

    [Fact]
    public async Task Connect_LongestDelayAndAnAddressThatIsNone_GoOnToTheNextOne()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        var options = new ClientOptions
        {
            HappyEyeballsDelay = TimeSpan.MaxValue,
            Resolver = static (_, _) => Task.FromResult<IPAddress[]>([null!, IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]),
        };
        (ITransport transport, _) = await loop.CreateConnectionAsync(() => new Peer(), "both.invalid", server.Port, options).WaitAsync(Within.Deadline);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
    }

    [Theory, Trait("Conformance", "K4")]
    [InlineData("::1", "different address families")]
    [InlineData("192.0.2.1", "192.0.2.1:0: Cannot assign requested address")]
    public async Task Connect_LocalAddressOfNoUse_ThrowsAndNamesIt(string local, string message)
    {
        using EventLoop loop = EventLoop.Start();
        var options = new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse(local), 0) };
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(() => new Peer(), "127.0.0.1", 9, options).WaitAsync(Within.Deadline));
        Assert.Contains(local, failed.Failures[0].Error.Message, StringComparison.Ordinal);
        Assert.Contains(message, failed.Failures[0].Error.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "K5")]
    public async Task Connect_ExistingSocket_IsAdopted()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer { Echoes = true }, "127.0.0.1", 0);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.EndPoints[0]);
        EndPoint? local = socket.LocalEndPoint;
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(() => new Peer(), socket).WaitAsync(Within.Deadline);
        Assert.Equal(local, transport.LocalEndPoint);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
        socket.Dispose();
        await loop.OnLoop(() => transport.Write("still there"u8));
        await peer.ReceivedAtLeast(11);
        await loop.OnLoop(transport.Close);
        Assert.Null(await peer.Lost);
    }

    [Fact, Trait("Conformance", "K5")]
    public async Task Connect_ExistingSocketOfNoUse_Throws()
    {
        using EventLoop loop = EventLoop.Start();
        using var datagram = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var unconnected = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var connected = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        connected.Connect(listener.LocalEndPoint!);
        await Assert.ThrowsAsync<ArgumentException>(() => loop.CreateConnectionAsync(() => new Peer(), datagram));
        await Assert.ThrowsAsync<ArgumentException>(() => loop.CreateConnectionAsync(() => new Peer(), unconnected));
        await Assert.ThrowsAsync<ArgumentException>(() =>
            loop.CreateConnectionAsync(() => new Peer(), connected, new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0) }));
    }

    [Fact, Trait("Conformance", "K7")]
    public async Task Connect_FactoryThrows_ThrowsItAndClosesTheSocket()
    {
        using EventLoop loop = EventLoop.Start();
        using EventLoop serving = EventLoop.Start();
        var accepted = new Peer();
        Server server = serving.CreateServer(() => accepted, "127.0.0.1", 0);
        var thrown = new InvalidOperationException("no protocol today");
        Exception caught = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            loop.CreateConnectionAsync<Peer>(() => throw thrown, "127.0.0.1", server.Port).WaitAsync(Within.Deadline));
        Assert.Same(thrown, caught);
        await accepted.Lost;
        Assert.Equal(0, await loop.Watched());
    }

    [Fact, Trait("Conformance", "P5")]
    public async Task Connect_AbortInConnectionMade_StillReturns()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(() => new Peer { OnMade = static transport => transport.Abort() }, "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        Assert.True(transport.IsClosing);
        Assert.Null(await peer.Lost);
    }

    [Fact, Trait("Conformance", "P6")]
    public async Task Connect_ConnectionMadeThrows_IsReportedAndLost()
    {
        using EventLoop loop = EventLoop.Start();
        var reports = new List<LoopErrorContext>();
        await loop.OnLoop(() => loop.ExceptionHandler = reports.Add);
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        var thrown = new InvalidOperationException("not like this");
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(() => new Peer { OnMade = _ => throw thrown }, "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        Assert.True(transport.IsClosing);
        Assert.Same(thrown, await peer.Lost);
        Assert.Same(thrown, Assert.Single(reports).Exception);
    }

    [Fact]
    public async Task Connect_ServerClosesAtOnce_EndsRegularly()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer
        {
            OnMade = static transport =>
        {
            transport.Write("bye"u8);
            transport.Close();
        }
        }, "127.0.0.1", 0);
        (_, Peer peer) = await loop.CreateConnectionAsync(() => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        Assert.Null(await peer.Lost);
        Assert.Equal("bye", peer.Received);
    }

    [Fact]
    public async Task Connect_ManyAtOnce_AllEchoTheirOwn()
    {
        using EventLoop loop = EventLoop.Start();
        using EventLoop clients = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer { Echoes = true }, "127.0.0.1", 0);
        Task<Peer>[] all = [.. Enumerable.Range(0, 300).Select(async i =>
        {
            (ITransport transport, Peer peer) = await clients.CreateConnectionAsync(() => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
            await clients.OnLoop(() => transport.Write(Encoding.ASCII.GetBytes($"{i:d4}")));
            await peer.ReceivedAtLeast(4);
            return peer;
        })];
        Peer[] peers = await Task.WhenAll(all);
        Assert.Equal(Enumerable.Range(0, 300).Select(static i => $"{i:d4}"), peers.Select(static peer => peer.Received));
    }

    [Fact]
    public async Task Connect_TransportThatHeedsNoToken_EndsAtTheTimeout()
    {
        using EventLoop loop = EventLoop.Start();
        var options = new ClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50), Transport = new SilentTransport() };
        ConnectException refused = await Assert.ThrowsAsync<ConnectException>(
            () => loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", 7000, options).WaitAsync(Within.Deadline));
        Assert.Contains("127.0.0.1:7000: no answer within 0.05 s", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_TransportThatHeedsNoToken_EndsWhenCancelled()
    {
        using EventLoop loop = EventLoop.Start();
        using var cancellation = new CancellationTokenSource();
        var transport = new SilentTransport();
        Task connecting = loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", 7000, new ClientOptions { Transport = transport }, cancellation.Token);
        await transport.Asked.WaitAsync(Within.Deadline);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(Within.Deadline));
    }

    // Without a listener, a socket that connects to its own port connects: TCP's simultaneous open.
    [Theory]
    [InlineData(TransportKind.Epoll)]
    [InlineData(TransportKind.Sockets)]
    public async Task Connect_ToItself_IsRefused(TransportKind kind)
    {
        using EventLoop loop = EventLoop.Start(new EventLoopOptions { Transport = kind });
        int port = FreePort();
        var options = new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, port) };
        ConnectException refused = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", port, options).WaitAsync(Within.Deadline));
        Assert.Contains($"127.0.0.1:{port}: Connection refused", refused.Message, StringComparison.Ordinal);
    }

    internal static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static Task<(ITransport, Peer)> Connect(EventLoop loop, int port) => loop.CreateConnectionAsync(() => new Peer(), "127.0.0.1", port).WaitAsync(Within.Deadline);

    // Never answers, and does not look at its token.
    private sealed class SilentTransport : IConnectionFactory
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            _asked.TrySetResult();
            return new(new TaskCompletionSource<ConnectionContext>().Task);
        }
    }
}
