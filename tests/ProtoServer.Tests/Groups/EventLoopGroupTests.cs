using System.Net;
using System.Net.Sockets;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Groups;

/// <summary>Several loops: one server face, connections spread by the kernel.</summary>
public class EventLoopGroupTests
{
    [Fact]
    public async Task Group_ManyConnections_AreSpreadOverAllLoopsAndEchoed()
    {
        using EventLoopGroup group = EventLoopGroup.Start(3, new EventLoopOptions { Name = "worker" });
        using EventLoop clients = EventLoop.Start();
        Assert.Equal(["worker 1", "worker 2", "worker 3"], group.Loops.Select(static loop => loop.Name));
        ServerGroup server = group.CreateServer(static () => new Peer { Echoes = true }, "127.0.0.1", 0);
        Assert.True(server.IsServing);
        Peer[] peers = await ConnectAll(clients, server.Port, 120);
        // Connected is not yet accepted.
        await clients.Until(() => server.Connections == 120);
        Assert.Equal(120, server.TotalConnections);
        // The kernel picks by a hash of four numbers: that one of three loops gets none of 120 has odds of one in 10^20.
        Assert.All(server.Servers, static one => Assert.NotEqual(0, one.Connections));
        foreach (Peer peer in peers)
        {
            await clients.OnLoop(() => peer.Transport!.Write("to and fro"u8));
        }
        await Task.WhenAll(peers.Select(static peer => peer.ReceivedAtLeast(10)));
        DrainReport report = await server.ShutdownAsync().WaitAsync(Within.Deadline);
        Assert.Equal((120, 0), (report.Closed, report.Aborted));
        Assert.All(await Task.WhenAll(peers.Select(static peer => peer.Lost)), Assert.Null);
        await server.WaitClosedAsync().WaitAsync(Within.Deadline);
        Assert.False(server.IsServing);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Group_PortOfSomebodyElse_IsAnError(bool otherShares)
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        using EventLoop other = EventLoop.Start();
        // Also one that would share: else both would get some of the connections.
        await using Server first = other.CreateServer(static () => new Peer(), "127.0.0.1", 0, new ServerOptions { ReusePort = otherShares });
        SocketException refused = Assert.Throws<SocketException>(() => group.CreateServer(static () => new Peer(), "127.0.0.1", first.Port));
        Assert.Equal(SocketError.AddressAlreadyInUse, refused.SocketErrorCode);
        Assert.Contains($"127.0.0.1:{first.Port}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Group_AllAddresses_HaveOnePort()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        await using ServerGroup server = group.CreateServer(static () => new Peer(), null, 0);
        Assert.Single(server.EndPoints.Cast<IPEndPoint>().Select(static endPoint => endPoint.Port).Distinct());
        Assert.All(server.Servers, one => Assert.Equal(server.EndPoints, one.EndPoints));
    }

    [Fact]
    public async Task Group_Closed_RefusesConnects()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        using EventLoop clients = EventLoop.Start();
        ServerGroup server = group.CreateServer(static () => new Peer(), "127.0.0.1", 0);
        server.Close();
        await server.WaitClosedAsync().WaitAsync(Within.Deadline);
        await Assert.ThrowsAsync<ConnectException>(() => clients.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline));
    }

    [Fact]
    public async Task Group_ServeForever_CancelledDrainsAndThrows()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        ServerGroup server = group.CreateServer(static () => new Peer(), "127.0.0.1", 0);
        using var cancel = new CancellationTokenSource();
        Task serving = server.ServeForeverAsync(cancel.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => server.ServeForeverAsync());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.WaitAsync(Within.Deadline));
        Assert.False(server.IsServing);
        await server.WaitClosedAsync().WaitAsync(Within.Deadline);
    }

    [Fact]
    public async Task Group_ServeForeverOnARunsLoop_EndsWithThatRun()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        using EventLoop main = EventLoop.Start();
        ServerGroup server = group.CreateServer(static () => new Peer(), "127.0.0.1", 0);
        Task serving = main.OnLoop(() => server.ServeForeverAsync());
        await main.OnLoop(main.RequestShutdown);
        await serving;
        Assert.False(server.IsServing);
    }

    [Fact]
    public async Task Group_GivenSocket_IsServedByEveryLoop()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        using EventLoop clients = EventLoop.Start();
        var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        ServerGroup server = group.CreateServer(static () => new Peer { Echoes = true }, listening);
        Peer[] peers = await ConnectAll(clients, server.Port, 20);
        await clients.Until(() => server.Connections == 20);
        await server.ShutdownAsync().WaitAsync(Within.Deadline);
        Assert.All(await Task.WhenAll(peers.Select(static peer => peer.Lost)), Assert.Null);
    }

    [Fact]
    public async Task Group_LimitPerAddress_HoldsForAllLoopsTogether()
    {
        using EventLoopGroup group = EventLoopGroup.Start(3);
        using EventLoop clients = EventLoop.Start();
        await using ServerGroup server = group.CreateServer(static () => new Peer(), "127.0.0.1", 0, new ServerOptions { MaxConnectionsPerAddress = 5 });
        Peer[] peers = await ConnectAll(clients, server.Port, 30);
        await clients.Until(() => peers.Count(static peer => peer.IsLost) == 25);
        await clients.Until(() => server.Connections == 5);
        Assert.Equal(25, server.Servers.Sum(static one => one.RejectedConnections));
    }

    [Fact]
    public void Group_TransportFromElsewhere_IsRefused()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        var options = new ServerOptions { Transport = new EpollConnectionListenerFactory(group.Loops[0]) };
        Assert.Throws<ArgumentException>(() => group.CreateServer(static () => new Peer(), "127.0.0.1", 0, options));
    }

    [Fact]
    public void Next_ManyTimes_TakesTheLoopsInTurn()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        Assert.Equal([group.Loops[0], group.Loops[1], group.Loops[0]], [group.Next(), group.Next(), group.Next()]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1025)]
    public void Start_CountOutOfRange_Throws(int count) => Assert.Throws<ArgumentOutOfRangeException>(() => EventLoopGroup.Start(count));

    [Fact]
    public async Task Dispose_OnOneOfItsLoops_Throws()
    {
        using EventLoopGroup group = EventLoopGroup.Start(2);
        await Assert.ThrowsAsync<InvalidOperationException>(() => group.Loops[1].OnLoop(group.Dispose));
    }

    private static async Task<Peer[]> ConnectAll(EventLoop clients, int port, int count)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => clients.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", port))).WaitAsync(Within.Deadline);
        Peer[] peers = [.. all.Select(static one => one.Protocol)];
        return peers;
    }
}
