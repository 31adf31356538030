using Benchmarks.Running;
using Benchmarks.Suites;

namespace Benchmarks.Tests;

public class RoundsTests
{
    private static readonly SuiteOptions _options = new(Rounds: 3, Seconds: 1, WarmUpSeconds: 1, Only: [], Pin: false, IsQuick: false, Command: "");

    [Fact]
    public async Task Rounds_EveryOther_RunsBackwards()
    {
        List<string> order = [];
        Contender[] contenders = [.. new[] { "a", "b", "c" }.Select(name => new Contender(name, name, () =>
        {
            order.Add(name);
            return Task.FromResult(new Window(1, 1, 1));
        }))];

        await Rounds.MeasureAsync("", contenders, "message", "a", _options, TestContext.Current.CancellationToken);

        Assert.Equal("abccbaabc", string.Concat(order));
    }

    [Fact]
    public async Task Ratio_OnAMachineThatChangesItsPace_ComparesWithinARound()
    {
        // Everything takes three times as long in the second round: the ratios do not show it.
        Rounds rounds = await MeasureAsync(limit: [10, 30, 20], ours: [11, 33, 22]);

        Assert.Equal([1.1, 1.1, 1.1], rounds.Ratios("ours", "limit")!.Select(ratio => Math.Round(ratio, 9)));
        Assert.Equal(1.1, rounds.Ratio("ours")!.Value, 9);
        Assert.Equal(22, rounds.Cost("ours"));
    }

    [Fact]
    public async Task Ratio_ToWhatWasNotMeasured_IsAbsent()
    {
        Rounds rounds = await MeasureAsync(limit: [1, 1, 1], ours: [1, 1, 1]);

        Assert.Null(rounds.Ratios("ours", "kestrel"));
        Assert.Null(rounds.Ratio("kestrel"));
        Assert.Null(rounds.Cost("kestrel"));
    }

    [Fact]
    public async Task Table_OfWindowsWithoutLatency_LeavesThoseColumnsOut()
    {
        Rounds rounds = await MeasureAsync(limit: [10, 30, 20], ours: [5, 15, 30]);

        Assert.Equal("""
            |  | CPU µs/message | ratio to limit | middle half | messages/s |
            | --- | ---: | ---: | ---: | ---: |
            | limit | 20.000 | 1.00 | 1.00 - 1.00 | 100 |
            | ours | 15.000 | 0.50 | 0.50 - 1.00 | 100 |

            """, rounds.ToTable());
    }

    [Theory]
    [InlineData(new double[] { 10, 10, 10 }, new double[] { 10.5, 10.5, 10.5 }, "yes")]
    [InlineData(new double[] { 10, 10, 10 }, new double[] { 10.6, 10.6, 10.6 }, "**no**")]
    public async Task Verdict_OfAGoal_SaysWhetherItIsMet(double[] limit, double[] ours, string met)
    {
        Verdict verdict = new();
        verdict.AddRatio("CPU", await MeasureAsync(limit, ours), "ours", "limit", 1.05);

        Assert.EndsWith($"| 1.05 | {met} |\n", verdict.ToChapter());
    }

    [Fact]
    public async Task Verdict_WithoutAnyGoal_IsNoChapter()
    {
        Verdict verdict = new();
        verdict.AddRatio("CPU", await MeasureAsync([1], [1]), "ours", "kestrel", 1);

        Assert.Empty(verdict.ToChapter());
    }

    private static async Task<Rounds> MeasureAsync(double[] limit, double[] ours)
    {
        Contender[] contenders = [Script("limit", limit), Script("ours", ours)];
        return await Rounds.MeasureAsync("", contenders, "message", "limit", _options with { Rounds = limit.Length }, TestContext.Current.CancellationToken);
    }

    // CPU time per message, round by round.
    private static Contender Script(string name, double[] costs)
    {
        Queue<double> left = new(costs);
        return new Contender(name, name, () => Task.FromResult(new Window(100, 1, left.Dequeue() * 100)));
    }
}
