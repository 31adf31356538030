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

    // 5,000 questions a second: a server, its clients and a drip client on two cores still have time to spare, so waiting is the server's doing.
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(8);

    [Fact]
    public async Task Drippers_BesideANormalLoad_AreCutAtTheirDeadlineAndCostNextToNothing()
    {
        string? asked = Environment.GetEnvironmentVariable("PROTOSERVER_DRIPPERS");
        int drippers = asked is null ? 1000 : int.Parse(asked, CultureInfo.InvariantCulture);
        Assert.SkipUnless(DescriptorLimit.ForConnections() > (2 * drippers) + 200, $"needs {2 * drippers} descriptors and has {DescriptorLimit.ForConnections()} (ulimit -n)");
        int exchanges = asked is null ? 100 : 1000;
        using EventLoop serving = EventLoop.Start();
        using EventLoop dripping = EventLoop.Start();
        using EventLoop asking = EventLoop.Start();
        var options = new ServerOptions
        {
            // A byte every two seconds never gets near the rate, and never lets the connection be idle.
            MinReceiveBytesPerSecond = 100,
            MinReceiveRateGrace = s_grace,
            IdleTimeout = TimeSpan.FromSeconds(30),
            MaxConnections = drippers + 100,
            Backlog = 1024,
        };
        var ends = new ConcurrentQueue<(TimeSpan Age, Exception? Error)>();
        await using Server server = serving.CreateServer(() => new Answers(ends), "127.0.0.1", 0, options);

        // Noise of the machine can spoil a round, or two; a cost that is there spoils all of them.
        int rounds = asked is null ? 1 : 5;
        var ratios = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            // Once unmeasured: what is compiled and grown is there already.
            await MeasureP99(asking, server.Port, exchanges);
            TimeSpan quiet = await MeasureP99(asking, server.Port, exchanges);
            await asking.Until(() => server.Connections == 0);
            ends.Clear();
            Peer[] peers = await ConnectDrippers(dripping, server.Port, drippers);
            await asking.Until(() => server.Connections == drippers);
            TimeSpan beside = await MeasureP99(asking, server.Port, exchanges);
            Assert.InRange(server.Connections, drippers, drippers + Askers); // or it measured fewer
            ratios.Add(beside / quiet);
            await Task.WhenAll(peers.Select(static peer => peer.Lost)).WaitAsync(Within.Deadline);
            await asking.Until(() => server.Connections == 0);

            (TimeSpan Age, Exception? Error)[] cut = [.. ends.Where(static end => end.Error is not null)];
            Assert.Equal(drippers, cut.Length);
            Assert.All(cut, static end => Assert.Contains("less than 100 bytes per second", Assert.IsType<TimeoutException>(end.Error).Message, StringComparison.Ordinal));
            TimeSpan last = cut.Max(static end => end.Age);
            Assert.True(cut.Min(static end => end.Age) >= s_grace);
            Assert.True(last < s_grace + TimeSpan.FromSeconds(asked is null ? 10 : 0.5), $"The last one was cut {last} after its first byte, whose deadline is {s_grace}.");
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{drippers} drippers, {Askers} askers: p99 quiet {quiet.TotalMicroseconds:F0} us, beside {beside.TotalMicroseconds:F0} us, ratio {ratios[^1]:F2}; cut between {cut.Min(static end => end.Age).TotalSeconds:F3} and {last.TotalSeconds:F3} s"));
        }
        if (asked is not null)
        {
            Assert.InRange(ratios.Order().ElementAt(rounds / 2), 0, 1.5);
        }
    }

    private static async Task<Peer[]> ConnectDrippers(EventLoop loop, int port, int count)
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
                // Spread over the two seconds, as independent peers are.
                loop.CallLater(TimeSpan.FromSeconds(2.0 * i / count), static call => Drip(call.loop, call.peer), (loop, peer: peers[i]));
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

    private static async Task<TimeSpan> MeasureP99(EventLoop loop, int port, int exchanges)
    {
        (ITransport Transport, Asker Protocol)[] all = await Task.WhenAll(
            Enumerable.Range(0, Askers).Select(_ => loop.CreateConnectionAsync(static () => new Asker(exchanges), "127.0.0.1", port))).WaitAsync(Within.Deadline);
        await Task.WhenAll(all.Select(static one => one.Protocol.Done));
        await loop.OnLoop(() => Array.ForEach(all, static one => one.Transport.Close()));
        TimeSpan[] times = [.. all.SelectMany(static one => one.Protocol.Times).Order()];
        return times[(int)(0.99 * (times.Length - 1))];
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
