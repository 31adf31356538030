using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ProtoServer;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;
using ProtoServer.LoadTest.Servers;

namespace LoadTest.Tests.Engine;

[Collection(Alone.Name)]
public sealed class LoadRunTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 3, 1)]
    [InlineData(10, 2, 5)]
    public async Task Requests_Counted_AreSentExactly(int connections, int threads, int pipeline)
    {
        await using ServedBy server = ServedBy.Echo();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 1003, Connections = connections, Threads = threads, Pipeline = pipeline });

        Assert.Equal(1003, result.Report.Counts.Sent);
        Assert.Equal(1003, result.Report.Counts.Good);
        Assert.Equal(1003, result.Report.Raw.Count);
        Assert.Equal(1003, result.Report.Corrected.Count);
        Assert.Equal(connections, result.Report.Counts.Connections);
        Assert.Equal(0, result.Report.Counts.Errors);
        Assert.Equal(1003 * 64, result.Report.Counts.BytesReceived);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task OpenLoop_WarmUpLeftOut_SendsExactlyItsRate(int threads)
    {
        await using ServedBy server = ServedBy.Echo();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Rate = 500,
            Threads = threads,
            Warmup = TimeSpan.FromSeconds(0.5),
            Duration = TimeSpan.FromSeconds(1.2),
        });

        Assert.Equal(250, result.Report.WarmupCounts.Sent);
        Assert.Equal(600, result.Report.Counts.Sent + result.Report.Counts.NotSent);
        Assert.Equal(600, result.Report.Corrected.Count);
        Assert.Equal(500, result.Report.AskedPerSecond);
        Assert.True(result.Report.Intervals[0].Warmup);
        Assert.Equal(0, result.Report.Intervals[1].StartSeconds, 0.01);
    }

    [Fact]
    public async Task Ramp_OverItsStages_SendsTheirSum()
    {
        await using ServedBy server = ServedBy.Echo();
        Assert.True(RampStage.TryParse("200:1s,200@0.5s", out IReadOnlyList<RampStage> ramp));

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Ramp = ramp, Duration = TimeSpan.FromSeconds(1.5) });

        Assert.Equal(200, result.Report.Counts.Sent + result.Report.Counts.NotSent);
        Assert.Equal(200 / 1.5, result.Report.AskedPerSecond!.Value, 0.1);
    }

    [Fact]
    public async Task Server_ThatNeverAnswers_IsLostAtTheEndAndOnTime()
    {
        await using var server = new ServedBy(new FaultPlan { Mode = ServeMode.Sink });
        var watch = Stopwatch.StartNew();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Rate = 100,
            Duration = TimeSpan.FromSeconds(1),
            Grace = TimeSpan.FromSeconds(0.5),
        });

        Assert.InRange(watch.Elapsed.TotalSeconds, 1.4, 4);
        result.Report.Counts.Balances();
        Assert.Equal(10, result.Report.Counts.LostUnansweredAtEnd);
        Assert.Equal(90, result.Report.Counts.NotSent);
        Assert.Equal(100, result.Report.Corrected.Count);
        Assert.Equal(0, result.Report.Raw.Count);
        // The first ten waited until the end of the grace; the others, never sent, from when they were due to the end of the run.
        Assert.InRange(result.Report.Corrected.MaxMs, 1400, 2000);
    }

    [Fact]
    public async Task Server_ThatNeverAnswersACountedRun_IsGivenUp()
    {
        await using var server = new ServedBy(new FaultPlan { Mode = ServeMode.Sink });
        TimeSpan patience = TimeSpan.FromSeconds(0.2);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Requests = 1_000_000,
            Timeout = patience,
            ConnectTimeout = patience,
            Grace = patience,
        });

        result.Report.Counts.Balances();
        Assert.True(result.Report.Counts.LostByTimeout >= 10);
        Assert.True(result.Report.Counts.Reconnections >= 10);
    }

    [Fact]
    public async Task Server_ThatClosesAfterEachReply_IsReconnectedAndCounted()
    {
        await using var server = new ServedBy(() => new Ender(transport => transport.Close(), answers: true));

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 40, Connections = 4 });

        result.Report.Counts.Balances();
        // Each connection answers once, and takes the request that follows with it.
        Assert.InRange(result.Report.Counts.Good, 20, 24);
        Assert.Equal(40 - result.Report.Counts.Good, result.Report.Counts.LostWithConnection);
        Assert.InRange(result.Report.Counts.ConnectionsClosed + result.Report.Counts.ConnectionsReset, 16, 24);
        Assert.InRange(result.Report.Counts.Reconnections, 12, 24);
    }

    [Fact]
    public async Task Server_ThatResets_IsCountedAsReset()
    {
        await using var server = new ServedBy(() => new Ender(transport => transport.Abort(), answers: false));

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 20, Connections = 4 });

        result.Report.Counts.Balances();
        Assert.Equal(20, result.Report.Counts.LostWithConnection);
        Assert.Equal(20, result.Report.Counts.ConnectionsReset);
    }

    [Fact]
    public async Task Server_ThatClosesInsideAReply_IsCountedAsShort()
    {
        await using var server = new ServedBy(() => new Ender(
            transport =>
            {
                transport.Write("0000"u8);
                transport.Close();
            },
            answers: false));

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 20, Connections = 4 });

        result.Report.Counts.Balances();
        Assert.Equal(20, result.Report.Counts.ConnectionsClosedMidReply);
        Assert.Equal(20, result.Report.Counts.LostWithConnection);
    }

    [Fact]
    public async Task Target_WithoutListener_MakesNoConnection()
    {
        using var reserved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var target = new Target("127.0.0.1", ((IPEndPoint)reserved.LocalEndPoint!).Port, null);

        var outcome = await new ProtoServer.LoadTest.Engine.LoadRun(Runs.Echo(target) with { Duration = TimeSpan.FromSeconds(30) }, new ProtoServer.LoadTest.CommandLine.QuietView())
            .ExecuteAsync(default).Within();

        Assert.Equal(0, outcome.OpenAtStart);
        Assert.Contains("refused", outcome.ConnectFailure, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 3)]
    public async Task Churn_EachRequest_OpensItsConnection(int rate, int perConnection)
    {
        await using ServedBy server = ServedBy.Echo();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Scenario = Scenario.Churn,
            RequestsPerConnection = perConnection,
            Requests = 300,
            Rate = rate == 0 ? null : 1000,
        });

        Assert.Equal(300, result.Report.Counts.Good);
        Assert.Equal(0, result.Report.Counts.Errors);
        Assert.InRange(result.Report.Counts.Connections, 300 / perConnection, (300 / perConnection) + 11);
        Assert.Equal(result.Report.Counts.Connections, result.Report.Connect.Count);
    }

    [Fact]
    public async Task Idle_HeldConnections_AreOpenToTheEnd()
    {
        await using ServedBy server = ServedBy.Echo();

        RunResult result = await Runs.RunAsync(new LoadPlan
        {
            Scenario = Scenario.Idle,
            Target = server.Target,
            Connections = 300,
            Duration = TimeSpan.FromSeconds(1.2),
            ConnectRate = 2000,
        });

        Assert.Equal(300, result.Report.Counts.Connections);
        Assert.All(result.Report.Intervals, interval => Assert.Equal(300, interval.OpenConnections));
        Assert.Equal(300, result.Report.Connect.Count);
        Assert.Equal(0, result.Report.Counts.Errors);
    }

    [Fact]
    public async Task Idle_WithSomethingSaidByTheServer_CountsItAsStray()
    {
        await using var server = new ServedBy(() => new Greeter());

        RunResult result = await Runs.RunAsync(new LoadPlan { Scenario = Scenario.Idle, Target = server.Target, Connections = 3, Duration = TimeSpan.FromSeconds(0.5) });

        Assert.Equal(3, result.Report.Counts.StrayReplies);
    }

    [Fact]
    public async Task UnixSocket_AsTarget_IsTestedAlike()
    {
        await using var server = new ServedBy(new FaultPlan().CreateProtocol, unix: true);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 500 });

        Assert.Equal(500, result.Report.Counts.Good);
    }

    [Fact]
    public async Task Sink_WithoutReplies_TakesEverythingAndStopsOnTime()
    {
        await using var server = new ServedBy(new FaultPlan { Mode = ServeMode.Sink });

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Content = new RawSource(Template.Parse(@"log line {seq}\n"), ReplyRule.None, null, 0, 1),
            Duration = TimeSpan.FromSeconds(0.5),
        });

        Assert.True(result.Report.Counts.Good > 1000);
        Assert.Equal(result.Report.Counts.Sent, result.Report.Counts.Good);
        Assert.Equal(0, result.Report.Raw.Count);
    }

    [Theory]
    [InlineData(1, 300_000)]
    [InlineData(20, 20_000)]
    public async Task Messages_LargerThanAllBuffers_ComeBackWhole(int pipeline, int size)
    {
        await using ServedBy server = ServedBy.Echo();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 60, Connections = 3, Pipeline = pipeline, Content = Runs.Fixed(size / 2, size) });

        Assert.Equal(60, result.Report.Counts.Good);
        Assert.Equal(0, result.Report.Counts.Errors);
    }

    [Fact]
    public async Task Run_Interrupted_ReportsWhatItHas()
    {
        await using ServedBy server = ServedBy.Echo();
        using var interrupt = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        var watch = Stopwatch.StartNew();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Rate = 200, Duration = TimeSpan.FromMinutes(10) }, interrupt.Token);

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20));
        Assert.True(result.Report.Interrupted);
        Assert.InRange(result.Report.Counts.Good, 100, 220);
        Assert.InRange(result.Report.ElapsedSeconds, 0.5, 5);
    }

    [Fact]
    public async Task Generator_SlowerThanItsSchedule_SaysThatItWasTheBottleneck()
    {
        await using ServedBy server = ServedBy.Echo();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Rate = 1000,
            Duration = TimeSpan.FromSeconds(0.5),
            Connections = 500,
            Content = new WatchedSource(Runs.Lines(), TimeSpan.FromMilliseconds(4)),
        });

        Assert.False(result.Report.Valid);
        Assert.Contains(result.Report.InvalidBecause, reason => reason.Contains("late", StringComparison.Ordinal));
        Assert.True(result.Report.Generator.LateShare > 0.5);
        Assert.True(result.Report.Counts.NotSent > 100);
    }

    [Fact]
    public async Task OpenLoop_AskedForMillionsThatNobodyTakes_EndsOnTime()
    {
        await using var server = new ServedBy(new FaultPlan { Mode = ServeMode.Sink });
        var watch = Stopwatch.StartNew();

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Rate = 100_000_000, Duration = TimeSpan.FromSeconds(0.5), Grace = TimeSpan.FromSeconds(0.2) });

        Assert.InRange(watch.Elapsed.TotalSeconds, 0.6, 4);
        Assert.Equal(50_000_000, result.Report.Counts.Sent + result.Report.Counts.NotSent);
        Assert.Equal(50_000_000, result.Report.Corrected.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Message_InSteadyState_AllocatesNothing(int pipeline)
    {
        await using ServedBy server = ServedBy.Echo();
        var source = new WatchedSource(Runs.Lines(), TimeSpan.Zero);

        await Runs.RunAsync(Runs.Echo(server.Target) with { Pipeline = pipeline, Requests = 100_000, Connections = 2, Content = source });

        // What is not zero is the loop's timers: one for each sample, and one for each look at the timeouts.
        double perMessage = source.AllocatedBytes / (double)WatchedSource.Messages;
        Assert.True(perMessage < 1, $"{perMessage:0.00} B per message");
    }

    /// <summary>Makes the generator slow, and watches what its loop's thread allocates.</summary>
    private sealed class WatchedSource(EchoSource source, TimeSpan pause) : IDialogueSource
    {
        public const int Messages = 30_000;

        public string Description => source.Description;

        public int LongestReplyBytes => source.LongestReplyBytes;

        /// <summary>While the first connection sent so many messages, after its first thousand.</summary>
        public long AllocatedBytes { get; private set; }

        public Dialogue Open(int connection, int pipeline) => new WatchedDialogue(this, source.Open(connection, pipeline), pause, connection == 0);

        private sealed class WatchedDialogue(WatchedSource source, Dialogue dialogue, TimeSpan pause, bool first) : Dialogue
        {
            public override int WriteRequest(IBufferWriter<byte> output, uint sequence)
            {
                if (pause > TimeSpan.Zero)
                {
                    Thread.Sleep(pause);
                }
                if (first && (sequence is 1000 or 1000 + Messages))
                {
                    source.AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - source.AllocatedBytes;
                }
                return dialogue.WriteRequest(output, sequence);
            }

            public override Reply ReadReply(ReadOnlySpan<byte> received, uint head, uint tail) => dialogue.ReadReply(received, head, tail);
        }
    }

    /// <summary>Ends each connection at the first bytes.</summary>
    private sealed class Ender(Action<ITransport> end, bool answers) : IProtocol
    {
        private ITransport? _transport;

        public void ConnectionMade(ITransport transport) => _transport = transport;

        public void DataReceived(ReadOnlySpan<byte> data)
        {
            if (answers)
            {
                _transport!.Write(data);
            }
            end(_transport!);
        }

        public void ConnectionLost(Exception? exception)
        {
            // Ended by itself.
        }
    }

    /// <summary>Speaks first.</summary>
    private sealed class Greeter : IProtocol
    {
        public void ConnectionMade(ITransport transport) => transport.Write("hello\n"u8);

        public void DataReceived(ReadOnlySpan<byte> data)
        {
            // Nothing is expected.
        }

        public void ConnectionLost(Exception? exception)
        {
            // Nothing is kept.
        }
    }
}
