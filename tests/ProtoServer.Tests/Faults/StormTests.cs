using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>Many peers that behave badly, and much data through little room.</summary>
public sealed class StormTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    private static ProbeProtocol HeedfulEcho()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = data => protocol!.Transport.Write(data),
            OnPause = () => protocol!.Transport.PauseReading(),
            OnResume = () => protocol!.Transport.ResumeReading(),
        };
        return protocol;
    }

    private static async Task AssertServesAsync(Server server)
    {
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync("alive?");
        Assert.Equal("alive?", await peer.ReceiveTextAsync(6));
    }

    [Fact]
    public async Task Resets_10000AtOnce_NothingIsReportedAndTheServerGoesOn()
    {
        Server server = _test.Loop.CreateServer(HeedfulEcho, "127.0.0.1", 0);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
                socket.Connect(IPAddress.Loopback, server.Port);
                if (i % 2 == 0)
                {
                    socket.Send("x"u8);
                }
            }
        }))).Within(TimeSpan.FromSeconds(60));
        await AssertServesAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 0, "the end of every connection", TimeSpan.FromSeconds(30));
        Assert.Empty(_test.Reports);
    }

    // Each byte comes in the instant of a close: before it, or after it, but never between a last look for unread input and close(2).
    [Fact]
    public async Task Closes_4000WhileThePeerSends_AreEndsAndNotResets()
    {
        Server server = _test.Loop.CreateServer(
            static () =>
            {
                ProbeProtocol? protocol = null;
                protocol = new ProbeProtocol { OnData = _ => protocol!.Transport.Close() };
                return protocol;
            },
            "127.0.0.1",
            0);
        int resets = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            byte[] answer = new byte[1];
            for (int i = 0; i < 1000; i++)
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Connect(IPAddress.Loopback, server.Port);
                socket.Send("a"u8);
                Thread.SpinWait(i * 4);
                try
                {
                    socket.Send("b"u8);
                    Assert.Equal(0, socket.Receive(answer));
                }
                catch (SocketException)
                {
                    Interlocked.Increment(ref resets);
                }
            }
        }))).Within(TimeSpan.FromSeconds(60));
        Assert.Equal(0, resets);
        Assert.Empty(_test.Reports);
    }

    [Fact]
    public async Task Peers_200ThatNeverRead_OthersAreServedAndAShutdownEndsThem()
    {
        int made = 0;
        Server server = _test.Loop.CreateServer(
            () =>
            {
                if (++made > 200)
                {
                    return HeedfulEcho();
                }
                bool full = false;
                return new ProbeProtocol
                {
                    OnPause = () => full = true,
                    OnMade = transport =>
                    {
                        for (int written = 0; !full && written < 64_000_000; written += 50_000)
                        {
                            transport.Write(new byte[50_000]);
                        }
                    },
                };
            },
            "127.0.0.1",
            0);
        var peers = new List<SocketPeer>();
        for (int i = 0; i < 200; i++)
        {
            peers.Add(await SocketPeer.ConnectAsync(server.Port, 4096));
        }
        await AssertServesAsync(server);
        DrainReport report = await server.ShutdownAsync(TimeSpan.FromMilliseconds(200)).Within(TimeSpan.FromSeconds(30));
        Assert.Equal(200, report.Aborted);
        Assert.Equal(0, server.Connections);
        Assert.Empty(_test.Reports);
        peers.ForEach(static peer => peer.Dispose());
    }

    [Fact]
    public async Task Echo_256MegabytesThrough4KilobyteBuffers_ArriveIntact()
    {
        // 256 MB at scale 1.
        long total = Scale.Of(256) * 1_000_000L;
        Server server = _test.Loop.CreateServer(static () => new StreamEcho(), "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port, 4096);
        Task sending = Task.Run(async () =>
        {
            var random = new Random(1);
            byte[] chunk = new byte[50_000];
            for (long sent = 0; sent < total; sent += chunk.Length)
            {
                random.NextBytes(chunk);
                await peer.SendAsync(chunk);
            }
        });
        var expected = new Random(1);
        byte[] want = new byte[50_000];
        for (long received = 0; received < total; received += want.Length)
        {
            expected.NextBytes(want);
            byte[] got = await peer.ReceiveExactlyAsync(want.Length, TimeSpan.FromSeconds(30));
            Assert.True(want.AsSpan().SequenceEqual(got), $"different within {want.Length} bytes of {received}");
        }
        await sending.Within();
    }

    [Fact]
    public async Task Cycles_100000OpenSendClose_LeaveDescriptorsAndMemoryAsTheyWere()
    {
        Assert.SkipUnless(Kernel.IsLinux, "looks into /proc");
        Server server = _test.Loop.CreateServer(static () => new StreamEcho(), "127.0.0.1", 0);
        Cycle(server.Port, 2000);
        await Deadlines.UntilAsync(() => server.Connections == 0, "the end of every connection");
        GC.Collect();
        long before = Kernel.ResidentBytes();
        // 100,000 at scale 1.
        Cycle(server.Port, Scale.Of(100_000));
        await Deadlines.UntilAsync(() => server.Connections == 0, "the end of every connection");
        GC.Collect();
        Assert.InRange(Kernel.ResidentBytes() - before, long.MinValue, 64L * 1024 * 1024);
        Assert.Empty(await _test.RunAsync(() => _test.Loop.Poller.Handlers.OfType<EpollConnection>().ToArray()));
        Assert.InRange(await _test.RunAsync(() => _test.Loop.TimerCount), 0, 200);

        static void Cycle(int port, int count)
        {
            byte[] answer = new byte[1];
            for (int i = 0; i < count; i++)
            {
                // A reset at the end: ports in TIME_WAIT would run out.
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
                socket.Connect(IPAddress.Loopback, port);
                socket.Send("x"u8);
                socket.Receive(answer);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task EverythingOfTheUsersThrowsAtRandom_TheServerSurvivesAndCountsRight(int seed)
    {
        using var broken = new TestLoop(new EventLoopOptions { LoggerFactory = new BrokenLogger() });
        broken.Loop.ExceptionHandler = _ => Maybe(new Random(seed));
        var random = new Random(seed);
        void Maybe(Random random)
        {
            int dice = random.Next(8);
            if (dice == 0)
            {
                throw new InvalidOperationException("at random");
            }
            if (dice == 1)
            {
                throw new ProtocolViolationException("at random");
            }
        }
        Server server = broken.Loop.CreateServer(
            () =>
            {
                Maybe(random);
                ProbeProtocol? protocol = null;
                protocol = new ProbeProtocol
                {
                    OnMade = _ => Maybe(random),
                    OnData = data =>
                    {
                        protocol!.Transport.Write(data);
                        Maybe(random);
                    },
                    OnEof = () =>
                    {
                        Maybe(random);
                        return random.Next(2) == 0;
                    },
                    OnPause = () => Maybe(random),
                    OnResume = () => Maybe(random),
                    OnLost = _ => Maybe(random),
                };
                return protocol;
            },
            "127.0.0.1",
            0,
            new ServerOptions { LingerTimeout = TimeSpan.FromMilliseconds(50) });
        for (int i = 0; i < 300; i++)
        {
            try
            {
                using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
                await peer.SendAsync(new byte[1 + (i * 100)]);
                peer.HalfClose();
                await peer.ReceiveAsync(new byte[1000]).Within();
            }
            catch (SocketException)
            {
                // Reset, by a callback that threw.
            }
        }
        server.Close();
        server.CloseClients();
        await server.WaitClosedAsync().Within();
        Assert.Equal(0, server.Connections);
    }

    private sealed class StreamEcho : IProtocol
    {
        private ITransport _transport = null!;

        public void ConnectionMade(ITransport transport) => _transport = transport;

        public void DataReceived(ReadOnlySpan<byte> data) => _transport.Write(data);

        public void PauseWriting() => _transport.PauseReading();

        public void ResumeWriting() => _transport.ResumeReading();

        public void ConnectionLost(Exception? exception)
        {
        }
    }
}
