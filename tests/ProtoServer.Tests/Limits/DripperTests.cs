using System.Diagnostics;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Limits;

/// <summary>Thousands of peers that begin a message and never finish it, beside a normal load.</summary>
public class DripperTests
{
    private const int Drippers = 5000;
    private const int Exchanges = 3000;

    [Fact]
    public async Task Drippers_BesideANormalLoad_AreCutAtTheirDeadlineAndCostNextToNothing()
    {
        Assert.SkipUnless(DescriptorLimit.ForConnections() > (2 * Drippers) + 100, $"needs {2 * Drippers} descriptors and has {DescriptorLimit.ForConnections()} (ulimit -n)");
        using EventLoop serving = EventLoop.Start();
        using EventLoop dripping = EventLoop.Start();
        using EventLoop asking = EventLoop.Start();
        var options = new ServerOptions
        {
            // A byte every two seconds never gets near the rate, and never lets the connection be idle.
            MinReceiveBytesPerSecond = 100,
            MinReceiveRateGrace = TimeSpan.FromSeconds(8),
            IdleTimeout = TimeSpan.FromSeconds(30),
            MaxConnections = Drippers + 100,
            Backlog = 1024,
        };
        await using Server server = serving.CreateServer(static () => new Answers(), "127.0.0.1", 0, options);

        // Noise of the machine can spoil a round, or two; a cost that is there spoils all of them.
        var ratios = new List<double>();
        for (int round = 0; round < 3 && !ratios.Any(static ratio => ratio <= 1.5); round++)
        {
            TimeSpan quiet = await MeasureP99(asking, server.Port);
            Peer[] drippers = await ConnectDrippers(dripping, server.Port);
            await asking.Until(() => server.Connections == Drippers);
            TimeSpan beside = await MeasureP99(asking, server.Port);
            ratios.Add(beside / quiet);
            Exception?[] ends = await Task.WhenAll(drippers.Select(static peer => peer.Lost)).WaitAsync(Within.Deadline);
            Assert.Equal(Drippers, ends.Length);
            await asking.Until(() => server.Connections == 0);
        }
        Assert.Contains(ratios, static ratio => ratio <= 1.5);
    }

    private static async Task<Peer[]> ConnectDrippers(EventLoop loop, int port)
    {
        var peers = new List<Peer>();
        // In portions that the backlog holds.
        foreach (int[] portion in Enumerable.Range(0, Drippers).Chunk(500))
        {
            var made = await Task.WhenAll(portion.Select(_ => loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", port))).WaitAsync(Within.Deadline);
            peers.AddRange(made.Select(static one => one.Protocol));
        }
        await loop.OnLoop(() =>
        {
            for (int i = 0; i < peers.Count; i++)
            {
                // Spread over the two seconds, as independent peers are.
                loop.CallLater(TimeSpan.FromSeconds(2.0 * i / Drippers), static call => Drip(call.loop, call.peer), (loop, peer: peers[i]));
            }
        });
        return [.. peers];
    }

    private static void Drip(EventLoop loop, Peer peer)
    {
        if (!peer.IsLost)
        {
            peer.Transport!.Write("x"u8);
            loop.CallLater(TimeSpan.FromSeconds(2), static call => Drip(call.loop, call.peer), (loop, peer));
        }
    }

    private static async Task<TimeSpan> MeasureP99(EventLoop loop, int port)
    {
        (ITransport transport, Asker asker) = await loop.CreateConnectionAsync(static () => new Asker(Exchanges), "127.0.0.1", port).WaitAsync(Within.Deadline);
        await asker.Done;
        await loop.OnLoop(transport.Close);
        return asker.Percentile(0.99);
    }

    private sealed class Answers : LineProtocol
    {
        protected override void LineReceived(ReadOnlySpan<byte> line) => SendLine(line);
    }

    /// <summary>One question after the other, each timed.</summary>
    private sealed class Asker(int count) : LineProtocol
    {
        private readonly List<long> _times = [];
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _asked;

        public Task Done => _done.Task.WaitAsync(Within.Deadline);

        public TimeSpan Percentile(double part) => Stopwatch.GetElapsedTime(0, _times.Order().ElementAt((int)(part * (_times.Count - 1))));

        protected override void ConnectionMade() => Ask();

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            _times.Add(Stopwatch.GetTimestamp() - _asked);
            if (_times.Count < count)
            {
                Ask();
            }
            else
            {
                _done.TrySetResult();
            }
        }

        private void Ask()
        {
            _asked = Stopwatch.GetTimestamp();
            SendLine("how are you?"u8);
        }
    }
}
