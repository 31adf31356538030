using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Limits;

/// <summary>
/// Thousands of peers that begin a message and never finish it, beside a normal load. PROTOSERVER_DRIPPERS=5000 measures with that many on a machine that does nothing else, prints what it saw, and holds the
/// load's 99th percentile to 1.5 times that of a quiet server; in a run of the whole suite everything else would be measured, so there only the deadline is held.
/// </summary>
public class DripperTests(ITestOutputHelper output)
{
    private const int Askers = 20;
    private const int QuestionsEach = 125;

    // 5,000 questions a second: a server, its clients and the drippers have time to spare on two cores, so that waiting is the server's doing.
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(4);

    [Fact]
    public async Task Drippers_BesideANormalLoad_AreCutAtTheirDeadlineAndCostNextToNothing()
    {
        string? asked = Environment.GetEnvironmentVariable("PROTOSERVER_DRIPPERS");
        int drippers = asked is null ? 1000 : int.Parse(asked, CultureInfo.InvariantCulture);
        Assert.SkipUnless(DescriptorLimit.ForConnections() > (2 * drippers) + 200, $"needs {2 * drippers} descriptors and has {DescriptorLimit.ForConnections()} (ulimit -n)");
        // Quiet and beside take turns, half a second each: what else the machine does then falls on both.
        int pairs = asked is null ? 1 : 40;
        TimeSpan grace = TimeSpan.FromSeconds(asked is null ? 8 : 65);
        using EventLoop serving = EventLoop.Start();
        using EventLoop dripping = EventLoop.Start();
        using EventLoop asking = EventLoop.Start();
        var options = new ServerOptions
        {
            // A byte every two seconds never gets near the rate.
            MinReceiveBytesPerSecond = 100,
            MinReceiveRateGrace = grace,
            MaxConnections = drippers + 100,
            Backlog = 1024,
        };
        var ends = new ConcurrentQueue<(TimeSpan Age, Exception? Error)>();
        await using Server server = serving.CreateServer(() => new Answers(ends), "127.0.0.1", 0, options);

        // Once unmeasured: what is compiled and grown is there already.
        await AskAsync(asking, server.Port);
        await asking.Until(() => server.Connections == 0);
        ends.Clear();
        var drips = new Drips(dripping);
        Peer[] peers = await drips.ConnectAsync(server.Port, drippers);
        await asking.Until(() => server.Connections == drippers);
        GC.Collect();
        List<TimeSpan> quiet = [], beside = [];
        for (int pair = 1; pair <= pairs; pair++)
        {
            quiet.AddRange(await AskAsync(asking, server.Port));
            await drips.FlowAsync(true);
            beside.AddRange(await AskAsync(asking, server.Port));
            await drips.FlowAsync(pair == pairs);
            Assert.InRange(server.Connections, drippers, drippers + Askers); // or it measured fewer
        }
        await Task.WhenAll(peers.Select(static peer => peer.Lost)).WaitAsync(Within.Deadline);

        (TimeSpan Age, Exception? Error)[] cut = [.. ends.Where(static end => end.Error is not null)];
        Assert.Equal(drippers, cut.Length);
        Assert.All(cut, static end => Assert.Contains("less than 100 bytes per second", Assert.IsType<TimeoutException>(end.Error).Message, StringComparison.Ordinal));
        // Their first byte came a little before they were asked for it: when the loop woke.
        (TimeSpan first, TimeSpan last) = (cut.Min(static end => end.Age), cut.Max(static end => end.Age));
        double ratio = Percentile(beside, 99) / Percentile(quiet, 99);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{drippers} drippers, {Askers} askers, {quiet.Count} questions each: quiet p50 {Percentile(quiet, 50):F0} us, p90 {Percentile(quiet, 90):F0} us, p99 {Percentile(quiet, 99):F0} us; beside p50 {Percentile(beside, 50):F0} us, p90 {Percentile(beside, 90):F0} us, p99 {Percentile(beside, 99):F0} us, ratio {ratio:F2}; cut between {first.TotalSeconds:F3} and {last.TotalSeconds:F3} s"));
        Assert.True(first > grace - TimeSpan.FromSeconds(0.5), $"The first one was cut {first} after its first byte, whose deadline is {grace}.");
        Assert.True(last < grace + TimeSpan.FromSeconds(asked is null ? 10 : 0.5), $"The last one was cut {last} after its first byte, whose deadline is {grace}.");
        if (asked is not null)
        {
            Assert.InRange(ratio, 0, 1.5);
        }
    }

    private static async Task<IEnumerable<TimeSpan>> AskAsync(EventLoop loop, int port)
    {
        (ITransport Transport, Asker Protocol)[] all = await Task.WhenAll(
            Enumerable.Range(0, Askers).Select(_ => loop.CreateConnectionAsync(static () => new Asker(QuestionsEach), "127.0.0.1", port))).WaitAsync(Within.Deadline);
        await Task.WhenAll(all.Select(static one => one.Protocol.Done));
        await loop.OnLoop(() => Array.ForEach(all, static one => one.Transport.Close()));
        return all.SelectMany(static one => one.Protocol.Times);
    }

    private static double Percentile(List<TimeSpan> times, int percent)
    {
        times.Sort();
        return times[(times.Count - 1) * percent / 100].TotalMicroseconds;
    }

    /// <summary>Peers that send a byte each two seconds, while they flow. Members: any thread.</summary>
    private sealed class Drips(EventLoop loop)
    {
        private bool _flows;

        public Task<bool> FlowAsync(bool flows) => loop.OnLoop(() => _flows = flows);

        public async Task<Peer[]> ConnectAsync(int port, int count)
        {
            var peers = new List<Peer>();
            // In portions that the backlog holds.
            foreach (int[] portion in Enumerable.Range(0, count).Chunk(500))
            {
                var made = await Task.WhenAll(portion.Select(_ => loop.CreateConnectionAsync(static () => new Peer(), "127.0.0.1", port))).WaitAsync(Within.Deadline);
                peers.AddRange(made.Select(static one => one.Protocol));
            }
            await loop.OnLoop(() =>
            {
                for (int i = 0; i < peers.Count; i++)
                {
                    // The first byte begins the message; the others are spread over the two seconds, as independent peers are.
                    peers[i].Transport!.Write("x"u8);
                    Next(peers[i], TimeSpan.FromSeconds(2.0 * i / count));
                }
            });
            return [.. peers];
        }

        private void Next(Peer peer, TimeSpan delay) => loop.CallLater(delay, static call => call.self.Drip(call.peer), (self: this, peer));

        private void Drip(Peer peer)
        {
            if (peer.IsLost)
            {
                return;
            }
            if (_flows)
            {
                peer.Transport!.Write("x"u8);
            }
            Next(peer, TimeSpan.FromSeconds(2));
        }
    }

    /// <summary>Answers each line, and tells how old an unfinished one was at the end.</summary>
    private sealed class Answers(ConcurrentQueue<(TimeSpan Age, Exception? Error)> ends) : IBufferedProtocol
    {
        private ITransport? _transport;
        private TimeSpan? _began;

        public void ConnectionMade(ITransport transport) => _transport = transport;

        public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
        {
            _began ??= _transport!.Loop.Time;
            if (data.PositionOf((byte)'\n') is not { } end)
            {
                return data.Start;
            }
            _transport!.Write(data);
            return data.GetPosition(1, end);
        }

        public void ConnectionLost(Exception? exception) => ends.Enqueue((_transport!.Loop.Time - (_began ?? TimeSpan.Zero), exception));
    }

    /// <summary>A question every few milliseconds, timed from the moment it was due.</summary>
    private sealed class Asker(int count) : LineProtocol
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TimeSpan _due;

        public List<TimeSpan> Times { get; } = new(count);

        public Task Done => _done.Task.WaitAsync(Within.Deadline);

        protected override void ConnectionMade()
        {
            // Not all at once.
            _due = Transport.Loop.Time + (s_interval * Random.Shared.NextDouble());
            AskWhenDue();
        }

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            Times.Add(Transport.Loop.Time - _due);
            _due += s_interval;
            if (Times.Count < count)
            {
                AskWhenDue();
            }
            else
            {
                _done.TrySetResult();
            }
        }

        private void AskWhenDue()
        {
            TimeSpan left = _due - Transport.Loop.Time;
            Transport.Loop.CallLater(left > TimeSpan.Zero ? left : TimeSpan.Zero, static asker => asker.SendLine("how are you?"u8), this);
        }
    }
}
