using ProtoServer.LoadTest.CommandLine;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.Engine;

/// <summary>Plans and runs for tests.</summary>
internal static class Runs
{
    public static LoadPlan Echo(Target target) => new()
    {
        Scenario = Scenario.Echo,
        Target = target,
        Content = Lines(),
        Connections = 10,
        Grace = TimeSpan.FromSeconds(1),
    };

    public static EchoSource Lines(int size = 64) => new(new SizeRange(size, size), LineEnding.Lf, verify: true, 1);

    public static EchoSource Fixed(int min, int max) => new(new SizeRange(min, max), LineEnding.None, verify: true, 1);

    public static async Task<RunResult> RunAsync(LoadPlan plan, CancellationToken interrupt = default)
    {
        RunOutcome outcome = await new LoadRun(plan, new QuietView()).ExecuteAsync(interrupt).Within();
        return ReportBuilder.Build(plan, outcome, "test", ReportBuilder.DefaultPercentiles);
    }

    /// <summary>Each request that was sent ended in exactly one way.</summary>
    public static void Balances(this CountsReport counts) => Assert.Equal(counts.Sent, counts.Answered + counts.Lost);
}
