using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.Reporting;

/// <summary>Results made by hand.</summary>
internal static class Samples
{
    /// <summary>A run of ten seconds at 100/s whose latencies are 1 to 100 ms, ten of each.</summary>
    public static RunResult Result(Action<Sample>? change = null, double busiest = 0.2, LoadPlan? plan = null)
    {
        var total = new Sample();
        for (int ms = 1; ms <= 100; ms++)
        {
            Latencies.Record(total.Corrected, ms * 1_000_000, 10);
            Latencies.Record(total.Raw, ms * 500_000, 10);
            Latencies.Record(total.Lag, 10_000, 10);
        }
        Latencies.Record(total.Connect, 2_000_000, 50);
        Ledger measured = total.Measured;
        measured[Counter.Sent] = 1000;
        measured[Counter.Good] = 1000;
        measured[Counter.Connected] = 50;
        measured[Counter.BytesSent] = measured[Counter.BytesReceived] = 64_000;
        measured[Counter.Paced] = 1000;
        change?.Invoke(total);
        plan ??= Plan();
        var outcome = new RunOutcome
        {
            Total = total,
            Intervals = [.. Enumerable.Range(-2, 12).Select(second => Interval(second, total))],
            StartedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            OpenAtStart = 50,
            Elapsed = TimeSpan.FromSeconds(10),
            MeasuredCpu = 50_000_000,
            Busiest = busiest,
            Interrupted = false,
        };
        return ReportBuilder.Build(plan, outcome, "proto-load echo <b>&amp;</b>", ReportBuilder.DefaultPercentiles);
    }

    public static LoadPlan Plan() => new()
    {
        Scenario = Scenario.Echo,
        Target = new Target("127.0.0.1", 7000, null),
        Content = Engine.Runs.Lines(),
        Rate = 100,
        Duration = TimeSpan.FromSeconds(10),
        Warmup = TimeSpan.FromSeconds(2),
    };

    private static IntervalSummary Interval(int second, Sample total) => new()
    {
        StartSeconds = second,
        LengthSeconds = 1,
        Warmup = second < 0,
        SentPerSecond = 100,
        AnsweredPerSecond = 100,
        OpenConnections = 50,
        Busiest = 0.2,
        CorrectedP50Ms = second < 0 ? 0 : 50,
        CorrectedP99Ms = second < 0 ? 0 : 99,
        CorrectedP999Ms = second < 0 ? 0 : 100,
        CorrectedMaxMs = second < 0 ? 0 : 100,
        RawP50Ms = 25,
        RawP99Ms = 49,
        Wrong = second == 3 ? total.Measured[Counter.Wrong] : 0,
        Lost = second == 5 ? total.Measured.Lost : 0,
    };
}
