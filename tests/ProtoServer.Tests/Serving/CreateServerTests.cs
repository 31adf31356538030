using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>S: making a server.</summary>
public sealed class CreateServerTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    private static IProtocol Echo()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol { OnData = data => protocol!.Transport.Write(data) };
        return protocol;
    }

    private static async Task AssertServesAsync(EndPoint endPoint)
    {
        using SocketPeer peer = await SocketPeer.ConnectAsync(endPoint);
        await peer.SendAsync("hello");
        Assert.Equal("hello", await peer.ReceiveTextAsync(5));
    }

    private static async Task AssertRefusedAsync(EndPoint endPoint) =>
        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(() => SocketPeer.ConnectAsync(endPoint))).SocketErrorCode);

    [Fact, Trait("Conformance", "S1")]
    public async Task Port_Zero_EndPointsGiveTheRealPort()
    {
        Server server = _test.Loop.CreateServer(Echo, "127.0.0.1", 0);
        Assert.NotEqual(0, server.Port);
        IPEndPoint endPoint = Assert.IsType<IPEndPoint>(Assert.Single(server.EndPoints));
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, server.Port), endPoint);
        Assert.True(server.IsServing);
        await AssertServesAsync(endPoint);
    }

    [Theory, Trait("Conformance", "S2"), Trait("Conformance", "S3")]
    [InlineData(null)]
    [InlineData("")]
    public async Task Host_NullOrEmpty_BothFamiliesAreServedOnOnePort(string? host)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "this machine has no IPv6");
        Server server = _test.Loop.CreateServer(Echo, host, 0);
        Assert.Equal([AddressFamily.InterNetwork, AddressFamily.InterNetworkV6], server.EndPoints.Select(static endPoint => endPoint.AddressFamily).Order());
        Assert.Single(server.EndPoints.Cast<IPEndPoint>().Select(static endPoint => endPoint.Port).Distinct());
        await AssertServesAsync(new IPEndPoint(IPAddress.Loopback, server.Port));
        await AssertServesAsync(new IPEndPoint(IPAddress.IPv6Loopback, server.Port));
    }

    [Fact, Trait("Conformance", "S4")]
    public async Task Hosts_SeveralWithADuplicate_EachIsBoundOnce()
    {
        Server server = _test.Loop.CreateServer(Echo, ["127.0.0.1", "127.0.0.2", "127.0.0.1"], 0);
        Assert.Equal(2, server.EndPoints.Count);
        foreach (EndPoint endPoint in server.EndPoints)
        {
            await AssertServesAsync(endPoint);
        }
    }

    [Fact, Trait("Conformance", "S5")]
    public void Arguments_Wrong_ThrowAndSayWhich()
    {
        EventLoop loop = _test.Loop;
        Assert.Throws<ArgumentNullException>(() => loop.CreateServer(null!, "127.0.0.1", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.CreateServer(Echo, "127.0.0.1", -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.CreateServer(Echo, "127.0.0.1", 65536));
        Assert.Throws<ArgumentException>(() => loop.CreateServer(Echo, Array.Empty<string>(), 0));
        Assert.Throws<ArgumentNullException>(() => loop.CreateServer(Echo, (Socket)null!));
        using var datagram = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        datagram.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Contains("stream", Assert.Throws<ArgumentException>(() => loop.CreateServer(Echo, datagram)).Message, StringComparison.Ordinal);
        using var unbound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Contains("not bound", Assert.Throws<ArgumentException>(() => loop.CreateServer(Echo, unbound)).Message, StringComparison.Ordinal);
        // Refused, so still their owners'.
        Assert.False(datagram.SafeHandle.IsInvalid);
        Assert.False(unbound.SafeHandle.IsInvalid);
    }

    [Theory, Trait("Conformance", "S14")]
    [InlineData(0, 10, 10, 10)]
    [InlineData(10, 0, 10, 10)]
    [InlineData(10, 10, -1, 10)]
    [InlineData(10, 10, 10, 0)]
    [InlineData(10, 10, 10, 86_401)]
    public void Options_OutOfRange_Throw(int backlog, int maxConnections, int drainSeconds, int closeSeconds) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        _test.Loop.CreateServer(Echo, "127.0.0.1", 0, new ServerOptions
        {
            Backlog = backlog,
            MaxConnections = maxConnections,
            DrainTimeout = TimeSpan.FromSeconds(drainSeconds),
            CloseTimeout = TimeSpan.FromSeconds(closeSeconds),
        }));

    [Fact, Trait("Conformance", "S7")]
    public async Task Host_OneAddressNotOnThisMachine_TheOtherIsServed()
    {
        // 203.0.113.0/24 is for documentation: no machine has it.
        Server server = _test.Loop.CreateServer(Echo, ["203.0.113.1", "127.0.0.1"], 0);
        await AssertServesAsync(Assert.Single(server.EndPoints));
        SocketException none = Assert.Throws<SocketException>(() => _test.Loop.CreateServer(Echo, "203.0.113.1", 0));
        Assert.Contains("203.0.113.1", none.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "S8")]
    public void Host_HasNoAddress_ErrorNamesItAndNothingLeaks()
    {
        Assert.SkipUnless(Kernel.IsLinux, "counts descriptors in /proc");
        SocketException error = Assert.Throws<SocketException>(() => _test.Loop.CreateServer(Echo, ["127.0.0.1", "no-such-host.invalid"], 0));
        Assert.Contains("no-such-host.invalid", error.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "S8")]
    public async Task Port_InUseOnTheSecondHost_TheFirstIsReleased()
    {
        Server blocking = _test.Loop.CreateServer(Echo, "127.0.0.2", 0);
        SocketException error = Assert.Throws<SocketException>(() => _test.Loop.CreateServer(Echo, ["127.0.0.1", "127.0.0.2"], blocking.Port));
        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
        Assert.Contains($"127.0.0.2:{blocking.Port}", error.Message, StringComparison.Ordinal);
        await AssertRefusedAsync(new IPEndPoint(IPAddress.Loopback, blocking.Port));
        await AssertServesAsync(_test.Loop.CreateServer(Echo, "127.0.0.1", blocking.Port).EndPoints[0]);
    }

    // Its descriptor's number is somebody else's by then: a connection's, say.
    [Theory, Trait("Conformance", "S9")]
    [InlineData(TransportKind.Epoll)]
    [InlineData(TransportKind.Sockets)]
    public void CreateServer_SocketThatAServerOwnsAlready_Throws(TransportKind kind)
    {
        using EventLoop loop = EventLoop.Start(new EventLoopOptions { Transport = kind });
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        loop.CreateServer(() => new ProbeProtocol(), socket);
        using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        stranger.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        ObjectDisposedException refused = Assert.Throws<ObjectDisposedException>(() => loop.CreateServer(() => new ProbeProtocol(), socket));
        Assert.Contains("socket of its own", refused.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "S9")]
    public async Task Socket_BoundAlready_IsServedAndClosedWithTheServer()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var endPoint = (IPEndPoint)socket.LocalEndPoint!;
        Server server = _test.Loop.CreateServer(Echo, socket);
        Assert.Equal(endPoint, Assert.Single(server.EndPoints));
        await AssertServesAsync(endPoint);
        // The object given is of no use afterwards; its end is not the server's.
        socket.Dispose();
        await AssertServesAsync(endPoint);
        server.Close();
        server.CloseClients();
        await server.WaitClosedAsync().Within();
        await AssertRefusedAsync(endPoint);
    }

    [Fact, Trait("Conformance", "S9")]
    public async Task Socket_AlsoHeldElsewhere_AfterCloseTheLoopDoesNotSpinOnIt()
    {
        Assert.SkipUnless(Kernel.IsLinux, "duplicates a descriptor");
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        EndPoint endPoint = socket.LocalEndPoint!;
        int elsewhere = Kernel.Duplicate((int)socket.SafeHandle.DangerousGetHandle());
        try
        {
            Server server = _test.Loop.CreateServer(Echo, socket);
            await AssertServesAsync(endPoint);
            server.Close();
            server.CloseClients();
            await server.WaitClosedAsync().Within();
            // Into the backlog of the one that is left.
            using SocketPeer waiting = await SocketPeer.ConnectAsync(endPoint);
            await _test.IterationsAsync();
            long before = _test.Loop.Iterations;
            await Task.Delay(50);
            Assert.InRange(_test.Loop.Iterations - before, 0, 5);
        }
        finally
        {
            _ = Kernel.Close(elsewhere);
        }
    }

    [Fact, Trait("Conformance", "S9")]
    public async Task Socket_OfTheUnixFamily_ClosingWhileThePeerSendsHarmsNothing()
    {
        Assert.SkipUnless(Kernel.IsLinux, "abstract unix sockets");
        var endPoint = new UnixDomainSocketEndPoint($"\0protoserver-{Guid.NewGuid():N}");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endPoint);
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = _ =>
            {
                protocol!.Transport.Write("enough"u8);
                protocol.Transport.Close();
            },
        };
        // MSG_TRUNC does not discard here, it copies: nothing may be received beyond the buffer.
        Server server = _test.Loop.CreateServer(() => protocol, socket);
        using SocketPeer peer = await SocketPeer.ConnectAsync(endPoint);
        Task sending = peer.SendAsync(new byte[8_000_000]);
        Assert.Equal("enough", await peer.ReceiveTextAsync(6));
        await sending.Within();
        peer.Dispose();
        Assert.Null(await protocol.Lost.Within());
        server.Close();
        await server.WaitClosedAsync().Within();
    }

    [Fact, Trait("Conformance", "S10")]
    public void ReusePort_True_TwoServersShareAPortAndOtherwiseNot()
    {
        Assert.SkipUnless(Kernel.IsLinux, "SO_REUSEPORT");
        var shared = new ServerOptions { ReusePort = true };
        Server first = _test.Loop.CreateServer(Echo, "127.0.0.1", 0, shared);
        Server second = _test.Loop.CreateServer(Echo, "127.0.0.1", first.Port, shared);
        Assert.Equal(first.Port, second.Port);
        Server alone = _test.Loop.CreateServer(Echo, "127.0.0.1", 0);
        SocketException error = Assert.Throws<SocketException>(() => _test.Loop.CreateServer(Echo, "127.0.0.1", alone.Port));
        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
        Assert.Contains("Another server", error.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "S11")]
    public async Task ReuseAddress_Default_APortWithLingeringConnectionsIsFreeAgain()
    {
        Server first = _test.Loop.CreateServer(Echo, "127.0.0.1", 0);
        using (SocketPeer peer = await SocketPeer.ConnectAsync(first.Port))
        {
            await peer.SendAsync("x");
            await peer.ReceiveExactlyAsync(1);
            // Our side closes first: its end of the connection stays in TIME_WAIT.
            first.Close();
            first.CloseClients();
            await peer.ReceiveToEndAsync();
        }
        await first.WaitClosedAsync().Within();
        Server second = _test.Loop.CreateServer(Echo, "127.0.0.1", first.Port);
        Assert.Equal(first.Port, second.Port);
        second.Close();
        await second.WaitClosedAsync().Within();
        Assert.SkipWhen(_test.Loop.TransportKind == TransportKind.Sockets, "sockets: the runtime sets SO_REUSEADDR by itself when it binds");
        Assert.Throws<SocketException>(() => _test.Loop.CreateServer(Echo, "127.0.0.1", first.Port, new ServerOptions { ReuseAddress = false }));
    }

    [Fact, Trait("Conformance", "S13")]
    public async Task StartServing_False_RefusesUntilItIsCalledAndTwiceIsFine()
    {
        Server server = _test.Loop.CreateServer(Echo, "127.0.0.1", 0, new ServerOptions { StartServing = false });
        Assert.False(server.IsServing);
        await AssertRefusedAsync(server.EndPoints[0]);
        server.StartServing();
        server.StartServing();
        Assert.True(server.IsServing);
        await AssertServesAsync(server.EndPoints[0]);
        server.Close();
        Assert.Throws<ObjectDisposedException>(server.StartServing);
    }

    [Fact, Trait("Conformance", "S13"), Trait("Conformance", "D9")]
    public async Task Close_OfAServerThatNeverServed_ReleasesItsSocketAndCompletes()
    {
        Server server = _test.Loop.CreateServer(Echo, "127.0.0.1", 0, new ServerOptions { StartServing = false });
        server.Close();
        await server.WaitClosedAsync().Within();
        await AssertServesAsync(_test.Loop.CreateServer(Echo, "127.0.0.1", server.Port, new ServerOptions { ReuseAddress = false }).EndPoints[0]);
    }

    [Fact, Trait("Conformance", "S14")]
    public async Task Backlog_One_ManyClientsAreAllServed()
    {
        Server server = _test.Loop.CreateServer(Echo, "127.0.0.1", 0, new ServerOptions { Backlog = 1 });
        // Whom the kernel found no room for asks again after 1 s, 3 s, 7 s, all at the same moment: few clients, and time for some rounds.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AssertServesAsync(server.EndPoints[0]))).Within(TimeSpan.FromSeconds(60));
    }

    [Fact, Trait("Conformance", "S18")]
    public async Task Server_WithoutAReference_ServesOnAndIsCollectedOnceClosed()
    {
        (WeakReference weak, EndPoint endPoint) = Create();
        Collect();
        await AssertServesAsync(endPoint);
        await CloseAsync(weak).Within();
        await Deadlines.UntilAsync(() =>
        {
            Collect();
            return !weak.IsAlive;
        }, "collection of the closed server");

        (WeakReference, EndPoint) Create()
        {
            Server server = _test.Loop.CreateServer(Echo, "127.0.0.1", 0);
            return (new WeakReference(server), server.EndPoints[0]);
        }

        static Task CloseAsync(WeakReference weak)
        {
            var server = (Server)weak.Target!;
            server.Close();
            server.CloseClients();
            return server.WaitClosedAsync();
        }

        static void Collect()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }
    }

    [Fact, Trait("Conformance", "D9")]
    public async Task WaitClosed_AfterServingManyAndThrowingFactories_NoSocketIsOpen()
    {
        Assert.SkipUnless(Kernel.IsLinux, "counts descriptors in /proc");
        int call = 0;
        Server server = _test.Loop.CreateServer(() => ++call % 2 == 0 ? throw new InvalidOperationException("factory") : Echo(), "127.0.0.1", 0);
        for (int i = 0; i < 10; i++)
        {
            // These say something that nobody reads, and stay.
            try
            {
                SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
                await peer.SendAsync("hello?");
            }
            catch (SocketException)
            {
                // Reset at once.
            }
        }
        await Deadlines.UntilAsync(() => server.TotalConnections == 10, "10 connections");
        server.Close();
        server.AbortClients();
        await server.WaitClosedAsync().Within();
        Assert.Equal(5, _test.Reports.Count);
        // No socket of this server's port is left on our side: a fresh bind without SO_REUSEADDR finds it free.
        Server next = _test.Loop.CreateServer(Echo, "127.0.0.1", server.Port, new ServerOptions { ReuseAddress = false });
        Assert.Equal(server.Port, next.Port);
    }
}
