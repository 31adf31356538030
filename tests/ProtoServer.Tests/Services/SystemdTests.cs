using System.Collections;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Services;

/// <summary>What systemd gives, what it is told, and a restart behind its socket.</summary>
public class SystemdTests
{
    [Theory]
    [InlineData("77", "2", "http:admin", "http=3 admin=4")]
    [InlineData("77", "2", null, "unknown=3 unknown=4")]
    [InlineData("77", "2", "http", "http=3 unknown=4")]
    [InlineData("76", "2", "http:admin", "")]
    [InlineData("77", "0", null, "")]
    [InlineData("77", "-1", null, "")]
    [InlineData("77", "many", null, "")]
    [InlineData("77", "4096", null, "")]
    [InlineData(null, "1", null, "")]
    [InlineData("77", null, null, "")]
    [InlineData("", "", "", "")]
    public void Passed_Environment_IsReadAsSystemdWritesIt(string? processId, string? count, string? names, string expected)
    {
        var environment = new Hashtable { ["LISTEN_PID"] = processId, ["LISTEN_FDS"] = count, ["LISTEN_FDNAMES"] = names };
        Assert.Equal(expected, string.Join(' ', Systemd.Passed(environment, 77).Select(static one => $"{one.Name}={one.Descriptor}")));
    }

    [Fact]
    public void TakeListeningSockets_OutsideOfSystemd_FindsNone() => Assert.Empty(Systemd.TakeListeningSockets());

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Notify_Listened_ArrivesAsItIs(bool isAbstract)
    {
        string path = isAbstract ? $"@protoserver-{Guid.NewGuid():N}" : Path.Combine(Path.GetTempPath(), $"psn{Guid.NewGuid():N}");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? '\0' + path[1..] : path));
        Assert.True(Systemd.Notify("READY=1\nSTATUS=up", path));
        byte[] heard = new byte[64];
        int count = await manager.ReceiveAsync(heard).WaitAsync(Within.Deadline);
        Assert.Equal("READY=1\nSTATUS=up", Encoding.ASCII.GetString(heard, 0, count));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative")]
    [InlineData("/nowhere/at/all")]
    [InlineData("/a/path/that/is/longer/than/a/unix/socket/may/have/a/path/that/is/longer/than/a/unix/socket/may/have/a/path/that/is/longer")]
    public void Notify_NobodyThere_SaysSo(string? address) => Assert.False(Systemd.Notify("READY=1", address));

    [Fact]
    public async Task Restart_BehindAListeningSocketFromOutside_RefusesNobody()
    {
        using EventLoop clients = EventLoop.Start();
        Assert.SkipWhen(clients.TransportKind == TransportKind.Sockets,
            "sockets: the runtime's poller takes the same socket under the same number once in a process");
        // The manager's socket; each generation of the service gets a descriptor of its own for it, as a process does.
        using var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening.Listen(512);
        int port = ((IPEndPoint)listening.LocalEndPoint!).Port;
        int generations = 0;
        using var stop = new CancellationTokenSource();
        Task<int[]> load = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => clients.OnLoop(() => ConnectUntil(clients, port, stop.Token))));
        for (int generation = 0; generation < 4; generation++)
        {
            using EventLoop loop = EventLoop.Start();
            Server server = loop.CreateServer(() => new Peer { Echoes = true }, SocketTakeover.Duplicate(listening));
            await clients.Until(() => server.TotalConnections >= 20);
            Assert.True((await server.ShutdownAsync().WaitAsync(Within.Deadline)).IsClean);
            generations++;
            // Nobody accepts here: who connects now is served by the next generation.
        }
        using EventLoop last = EventLoop.Start();
        await using Server final = last.CreateServer(() => new Peer { Echoes = true }, SocketTakeover.Duplicate(listening));
        await stop.CancelAsync();
        int[] connected = await load;
        Assert.Equal(4, generations);
        Assert.True(connected.Sum() >= 80);
    }

    // Returns how many connections were made; a refused one throws.
    private static async Task<int> ConnectUntil(EventLoop loop, int port, CancellationToken stop)
    {
        int count = 0;
        while (!stop.IsCancellationRequested)
        {
            (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", port);
            count++;
            transport.Write("ping"u8);
            // Echoed, or closed by a drain that began first; refused never.
            await Task.WhenAny(peer.ReceivedAtLeast(4), peer.Lost);
            transport.Close();
            await peer.Lost;
        }
        return count;
    }
}
