using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Limits;

/// <summary>Every wait for a peer has an end where an option asks for one.</summary>
public class DeadlineTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(60);

    /// <summary>For what must not be cut off: by the machine's clock a slow machine could be too late for it.</summary>
    private readonly HandClock _clock = new();

    // Its server ends with it: the timeout of a drain would not pass.
    private EventLoop StartOnHandClock() => EventLoop.Start(new EventLoopOptions { Clock = _clock });

    /// <summary>Time passes, and what falls due by it has had its effect.</summary>
    private Task Pass(EventLoop loop, TimeSpan time)
    {
        _clock.Advance(time);
        return loop.OnLoop(static async () =>
        {
            for (int turn = 0; turn < 5; turn++)
            {
                await Task.Yield();
            }
        });
    }

    [Fact]
    public async Task Idle_SilentPeer_IsClosedWithATimeout() => await AssertTimedOut(new ServerOptions { IdleTimeout = s_short }, "Neither received nor sent");

    [Fact]
    public async Task FirstData_SilentPeer_IsClosedWithATimeout() => await AssertTimedOut(new ServerOptions { FirstDataTimeout = s_short }, "said nothing within");

    [Fact]
    public async Task Lifetime_BusyPeer_IsClosedWithATimeout()
    {
        using EventLoop loop = EventLoop.Start();
        var served = new Peer { Echoes = true };
        await using Server server = loop.CreateServer(() => served, "127.0.0.1", 0, new ServerOptions { MaxLifetime = s_short, IdleTimeout = TimeSpan.FromMinutes(1) });
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer { Echoes = true }, "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        // Two echoes on one another: never idle.
        await loop.OnLoop(() => transport.Write("ball"u8));
        Exception? end = await served.Lost;
        Assert.Contains("lifetime", Assert.IsType<TimeoutException>(end).Message, StringComparison.Ordinal);
        await peer.Lost;
    }

    [Fact]
    public async Task FirstData_PeerThatSpoke_Stays()
    {
        using EventLoop loop = StartOnHandClock();
        Server server = loop.CreateServer(static () => new Peer { Echoes = true }, "127.0.0.1", 0, new ServerOptions { FirstDataTimeout = s_short });
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        await loop.OnLoop(() => transport.Write("here"u8));
        await peer.ReceivedAtLeast(4);
        await Pass(loop, s_short * 3);
        Assert.False(peer.IsLost);
    }

    [Fact]
    public async Task Idle_PeerThatSpeaksNowAndThen_Stays()
    {
        using EventLoop loop = StartOnHandClock();
        TimeSpan idle = TimeSpan.FromMilliseconds(400);
        Server server = loop.CreateServer(static () => new Peer { Echoes = true }, "127.0.0.1", 0, new ServerOptions { IdleTimeout = idle });
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        for (int i = 1; i <= 12; i++)
        {
            await loop.OnLoop(() => transport.Write("."u8));
            await peer.ReceivedAtLeast(i);
            await Pass(loop, idle * 0.9);
        }
        Assert.False(peer.IsLost);
    }

    [Fact]
    public async Task WriteStall_PeerThatTakesNothing_IsAborted()
    {
        using EventLoop loop = EventLoop.Start();
        var served = new Peer { OnMade = static transport => transport.Write(new byte[16 * 1024 * 1024]) };
        await using Server server = loop.CreateServer(() => served, "127.0.0.1", 0, new ServerOptions { WriteStallTimeout = s_short });
        using var deaf = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await deaf.ConnectAsync(server.EndPoints[0]);
        Exception? end = await served.Lost;
        Assert.Contains("took nothing", Assert.IsType<TimeoutException>(end).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WriteStall_PeerThatReadsSlowly_GetsEverything()
    {
        const int total = 8 * 1024 * 1024;
        TimeSpan stall = TimeSpan.FromSeconds(1);
        using EventLoop loop = StartOnHandClock();
        Assert.SkipWhen(loop.TransportKind == TransportKind.Sockets, "sockets: unsent bytes are counted by whole sends, and this is one");
        var served = new Peer { OnMade = static transport => transport.Write(new byte[total]) };
        Server server = loop.CreateServer(() => served, "127.0.0.1", 0, new ServerOptions { WriteStallTimeout = stall });
        using var slow = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await slow.ConnectAsync(server.EndPoints[0]);
        await served.Made;
        byte[] buffer = new byte[512 * 1024];
        long left = await LeftAsync();
        int steps = 0;
        for (int received = 0; received < total;)
        {
            int count = await slow.ReceiveAsync(buffer).WaitAsync(Within.Deadline);
            Assert.NotEqual(0, count);
            received += count;
            long now = await LeftAsync();
            if (now < left)
            {
                // The kernel took some of it: just before that would have been too late.
                left = now;
                steps++;
                await Pass(loop, stall * 0.9);
            }
        }
        Assert.False(served.IsLost);
        Assert.True(steps > 1, "the peer was not slow enough to show anything");

        Task<long> LeftAsync() => loop.OnLoop(() => served.Transport!.WriteBufferSize);
    }

    [Fact]
    public async Task DataRate_MessageThatDrips_IsAborted()
    {
        using EventLoop loop = EventLoop.Start();
        var lines = new Lines();
        var options = new ServerOptions { MinReceiveBytesPerSecond = 1000, MinReceiveRateGrace = s_short };
        await using Server server = loop.CreateServer(() => lines, "127.0.0.1", 0, options);
        using var dripper = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await dripper.ConnectAsync(server.EndPoints[0]);
        Task<Exception?> lost = lines.Lost;
        while (!lost.IsCompleted)
        {
            try
            {
                await dripper.SendAsync("x"u8.ToArray());
            }
            catch (SocketException)
            {
                break;
            }
            await loop.OnLoop(() => Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider));
        }
        Assert.Contains("less than 1000 bytes per second", Assert.IsType<TimeoutException>(await lost).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataRate_SilenceBetweenMessages_IsNobodysFault()
    {
        using EventLoop loop = StartOnHandClock();
        var lines = new Lines();
        var options = new ServerOptions { MinReceiveBytesPerSecond = 1000, MinReceiveRateGrace = s_short };
        Server server = loop.CreateServer(() => lines, "127.0.0.1", 0, options);
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(server.EndPoints[0]);
        for (int i = 0; i < 3; i++)
        {
            await peer.SendAsync("begun "u8.ToArray());
            await peer.SendAsync("and done\n"u8.ToArray());
            await loop.Until(() => lines.Count == i + 1);
            await Pass(loop, s_short * 2);
        }
        Assert.False(lines.IsLost);
    }

    [Fact]
    public async Task DataRate_ProtocolPausesReading_NothingIsOwed()
    {
        using EventLoop loop = StartOnHandClock();
        var lines = new Lines();
        var options = new ServerOptions { MinReceiveBytesPerSecond = 1000, MinReceiveRateGrace = s_short };
        Server server = loop.CreateServer(() => lines, "127.0.0.1", 0, options);
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(server.EndPoints[0]);
        await peer.SendAsync("begun"u8.ToArray());
        await loop.Until(() => lines.Seen == 5);
        await loop.OnLoop(() => lines.Transport!.PauseReading());
        await Pass(loop, s_short * 2);
        Assert.False(lines.IsLost);
    }

    [Fact]
    public async Task Client_IdleTimeout_HoldsThereToo()
    {
        using EventLoop loop = EventLoop.Start();
        await using Server server = loop.CreateServer(static () => new Peer(), "127.0.0.1", 0);
        (_, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port, new ClientOptions { IdleTimeout = s_short }).WaitAsync(Within.Deadline);
        Assert.IsType<TimeoutException>(await peer.Lost);
    }

    [Fact]
    public async Task Deadlines_AllOfThem_KeepOneTimerAConnection()
    {
        using EventLoop loop = EventLoop.Start();
        TimeSpan far = TimeSpan.FromHours(1);
        var options = new ServerOptions { IdleTimeout = far, FirstDataTimeout = far, MaxLifetime = far, WriteStallTimeout = far, MinReceiveBytesPerSecond = 1, MinReceiveRateGrace = far };
        var lines = new Lines();
        await using Server server = loop.CreateServer(() => lines, "127.0.0.1", 0, options);
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(server.EndPoints[0]);
        await loop.Until(() => server.Connections == 1);
        for (int i = 0; i < 50; i++)
        {
            await peer.SendAsync("part"u8.ToArray());
            await loop.Until(() => lines.Seen == (i * 5) + 4);
            await peer.SendAsync("\n"u8.ToArray());
            await loop.Until(() => lines.Count == i + 1);
        }
        Assert.Equal(1, await loop.OnLoop(() => loop.TimerCount));
    }

    [Theory]
    [InlineData(nameof(ServerOptions.IdleTimeout))]
    [InlineData(nameof(ServerOptions.FirstDataTimeout))]
    [InlineData(nameof(ServerOptions.WriteStallTimeout))]
    [InlineData(nameof(ServerOptions.MaxLifetime))]
    [InlineData(nameof(ServerOptions.MinReceiveRateGrace))]
    public void Option_ZeroTime_IsRefusedByName(string name)
    {
        using EventLoop loop = EventLoop.Start();
        var options = new ServerOptions();
        typeof(ConnectionOptions).GetProperty(name)!.SetValue(options, TimeSpan.Zero);
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => loop.CreateServer(static () => new Peer(), "127.0.0.1", 0, options));
        Assert.Equal(name, refused.ParamName);
    }

    // A careless "never".
    [Theory]
    [InlineData(nameof(ConnectionOptions.IdleTimeout))]
    [InlineData(nameof(ConnectionOptions.FirstDataTimeout))]
    [InlineData(nameof(ConnectionOptions.WriteStallTimeout))]
    [InlineData(nameof(ConnectionOptions.MaxLifetime))]
    public async Task Deadline_OfAllTime_NeverPasses(string name)
    {
        using EventLoop loop = StartOnHandClock();
        _clock.Advance(TimeSpan.FromSeconds(1));
        var options = new ServerOptions();
        typeof(ConnectionOptions).GetProperty(name)!.SetValue(options, TimeSpan.MaxValue);
        Server server = loop.CreateServer(static () => new Peer { Echoes = true }, "127.0.0.1", 0, options);
        (ITransport transport, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        await Pass(loop, TimeSpan.FromDays(1));
        await loop.OnLoop(() => transport.Write("still here"u8));
        await peer.ReceivedAtLeast(10);
    }

    [Theory]
    [InlineData(TransportKind.Epoll)]
    [InlineData(TransportKind.Sockets)]
    public async Task PerAddress_OneTooManyThatGoesOnSending_IsNotLingeredFor(TransportKind kind)
    {
        using EventLoop loop = EventLoop.Start(new EventLoopOptions { Transport = kind });
        var options = new ServerOptions { MaxConnectionsPerAddress = 1, LingerTimeout = TimeSpan.FromMinutes(10) };
        await using Server server = loop.CreateServer(static () => new Peer { Echoes = true }, "127.0.0.1", 0, options);
        using SocketPeer first = await SocketPeer.ConnectAsync(server.Port);
        await first.SendAsync("x");
        await first.ReceiveTextAsync(1);
        using SocketPeer second = await SocketPeer.ConnectAsync(server.Port);
        // A descriptor that nobody counts is gone at once: a closed socket resets who goes on sending.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            long began = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(began) < Within.Deadline)
            {
                await second.SendAsync("and on");
                await Task.Delay(1);
            }
        });
    }

    [Fact]
    public async Task PerAddress_OneTooMany_IsClosedAndRoomIsGivenBack()
    {
        using EventLoop loop = EventLoop.Start();
        await using Server server = loop.CreateServer(static () => new Peer { Echoes = true }, "127.0.0.1", 0, new ServerOptions { MaxConnectionsPerAddress = 2 });
        (ITransport first, Peer firstPeer) = await Connect();
        await Connect();
        (_, Peer third) = await Connect();
        Assert.Null(await third.Lost);
        await loop.Until(() => (server.Connections, server.RejectedConnections) == (2, 1L));
        // Another address of the machine's is another peer.
        var elsewhere = new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.9"), 0) };
        (_, Peer other) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port, elsewhere).WaitAsync(Within.Deadline);
        await loop.Until(() => server.Connections == 3);
        await loop.OnLoop(first.Close);
        await firstPeer.Lost;
        await loop.Until(() => server.Connections == 2);
        (ITransport next, Peer nextPeer) = await Connect();
        await loop.OnLoop(() => next.Write("served"u8));
        await nextPeer.ReceivedAtLeast(6);
        Assert.False(other.IsLost);

        Task<(ITransport, Peer)> Connect() => loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    [InlineData("::1", "0.0.0.0", false)]
    public void Address_Key_IsTheHost(string one, string other, bool same) => Assert.Equal(same, KeyOf(one) == KeyOf(other));

    private static AddressKey KeyOf(string address) => AddressKey.Of(new IPEndPoint(IPAddress.Parse(address), 1));

    private static async Task AssertTimedOut(ServerOptions options, string message)
    {
        using EventLoop loop = EventLoop.Start();
        var served = new Peer();
        await using Server server = loop.CreateServer(() => served, "127.0.0.1", 0, options);
        (_, Peer peer) = await loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", server.Port).WaitAsync(Within.Deadline);
        Assert.Contains(message, Assert.IsType<TimeoutException>(await served.Lost).Message, StringComparison.Ordinal);
        Assert.Null(await peer.Lost);
    }
}
