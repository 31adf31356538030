using ProtoServer.LoadTest.Reporting;
using ProtoServer.LoadTest.Servers;

namespace LoadTest.Tests.Engine;

/// <summary>Servers with a known fault, whose figures can be calculated beforehand.</summary>
[Collection(Alone.Name)]
public sealed class ExamTests
{
    // Other work on the machine can only add to a latency, and comes and goes; a tool that counts wrongly misses every time.
    private const int Attempts = 3;

    // A tenth of the requests fall into the freeze, and wait evenly spread from 0 to 1 s: so half of them, 5 % of all, wait longer than 0.5 s, and a tenth, 1 % of all, longer than 0.9 s.
    [Fact]
    public async Task OpenLoop_ServerFrozenForASecond_ShowsWhatUsersWouldSee() => await OneOfAttemptsAsync(async () =>
    {
        var faults = new FaultPlan { Mode = ServeMode.Stall, StallAfter = TimeSpan.FromSeconds(4), StallFor = TimeSpan.FromSeconds(1) };
        await using var server = new ServedBy(faults);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Rate = 1000, Duration = TimeSpan.FromSeconds(10), Connections = 50 });

        RunReport report = result.Report;
        Assert.Equal(1, faults.Faults);
        Assert.Equal(10_000, report.Counts.Sent);
        Assert.Equal(10_000, report.Counts.Good);
        return [(Corrected(result, 95), 475, 525), (Corrected(result, 99), 855, 945), (report.Corrected.MaxMs, 950, 1050), (report.AchievedPerSecond, 990, 1010)];
    });

    // In a closed loop each connection notices the freeze once: a few requests of many thousand.
    [Fact]
    public async Task ClosedLoop_ServerFrozenForASecond_HidesItInTheRawFigures() => await OneOfAttemptsAsync(async () =>
    {
        var faults = new FaultPlan { Mode = ServeMode.Stall, StallAfter = TimeSpan.FromSeconds(1), StallFor = TimeSpan.FromSeconds(1) };
        await using var server = new ServedBy(faults);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Duration = TimeSpan.FromSeconds(3), Connections = 4 });

        Assert.Equal(1, faults.Faults);
        Assert.Equal(0, result.Report.Counts.Errors);
        return [(result.Report.Raw.MaxMs, 950, 1200), (result.Report.Raw.Percentiles["p99"], 0, 5)];
    });

    [Theory]
    [InlineData(1, 64, 64)]
    [InlineData(16, 64, 64)]
    [InlineData(16, 200, 1400)]
    public async Task Server_FlippingOneByteInAMillion_IsFoundExactly(int pipeline, int min, int max)
    {
        var faults = new FaultPlan { Mode = ServeMode.Flip, Every = 1_000_000 };
        await using var server = new ServedBy(faults);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with
        {
            Requests = pipeline == 1 ? 50_000 : 100_000,
            Pipeline = pipeline,
            Content = min == max ? Runs.Lines(min) : Runs.Fixed(min, max),
        });

        result.Report.Counts.Balances();
        Assert.True(faults.Faults >= 3);
        Assert.Equal(faults.Faults, result.Report.Counts.Wrong);
        Assert.Equal(faults.Faults, result.Report.Counts.Errors);
    }

    [Theory]
    [InlineData(1, 200_000)]
    [InlineData(16, 500_000)]
    public async Task Server_DroppingOneReplyInAHundredThousand_LosesExactlyThose(int pipeline, int requests)
    {
        var faults = new FaultPlan { Mode = ServeMode.Drop, Every = 100_000 };
        await using var server = new ServedBy(faults);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = requests, Pipeline = pipeline, Timeout = TimeSpan.FromSeconds(1) });

        result.Report.Counts.Balances();
        Assert.Equal(requests / 100_000, faults.Faults);
        Assert.Equal(faults.Faults, result.Report.Counts.Lost);
        Assert.Equal(faults.Faults, result.Report.Counts.Errors);
    }

    [Fact]
    public async Task Server_DroppingFixedFrames_LosesExactlyThose()
    {
        var faults = new FaultPlan { Mode = ServeMode.Drop, Every = 1000, MessageBytes = 100 };
        await using var server = new ServedBy(faults);

        RunResult result = await Runs.RunAsync(Runs.Echo(server.Target) with { Requests = 20_000, Pipeline = 8, Content = Runs.Fixed(100, 100), Timeout = TimeSpan.FromSeconds(1) });

        result.Report.Counts.Balances();
        Assert.Equal(20, faults.Faults);
        Assert.Equal(20, result.Report.Counts.Lost);
    }

    private static async Task OneOfAttemptsAsync(Func<Task<(double Actual, double Low, double High)[]>> attempt)
    {
        List<string> misses = [];
        while (misses.Count < Attempts)
        {
            (double Actual, double Low, double High)[] figures = await attempt();
            if (Array.TrueForAll(figures, figure => figure.Actual >= figure.Low && figure.Actual <= figure.High))
            {
                return;
            }
            misses.Add(string.Join(", ", figures.Select(figure => $"{figure.Actual} of {figure.Low} to {figure.High}")));
        }
        Assert.Fail(string.Join("; ", misses));
    }

    private static double Corrected(RunResult result, double percentile) => result.Corrected.GetValueAtPercentile(percentile) / 1e6;
}
