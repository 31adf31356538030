using ProtoServer.LoadTest.CommandLine;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.CommandLine;

public sealed class MaxRateSearchTests
{
    [Theory]
    [InlineData(1000, 3700)]
    [InlineData(1000, 1001)]
    [InlineData(1000, 270)]
    [InlineData(50, 123_456)]
    public async Task Search_ForTheSpeedOfAServer_FindsItWithinFivePercent(double begin, double speed)
    {
        (MaxRateSearch search, List<double> asked, _) = Search(begin, rate => rate <= speed ? Good(rate) : Slow(rate));

        RunResult? best = await search.RunAsync(CancellationToken.None);

        Assert.InRange(best!.Report.AchievedPerSecond, speed / 1.05, speed);
        Assert.Equal(ExitCode.Good, search.Outcome);
        Assert.InRange(asked.Count, 2, 24);
    }

    [Fact]
    public async Task Search_LimitedByTheGenerator_SaysSo()
    {
        (MaxRateSearch search, _, StringWriter screen) = Search(1000, rate => rate <= 5000 ? Good(rate) : Good(rate, busiest: 0.99));

        RunResult? best = await search.RunAsync(CancellationToken.None);

        Assert.InRange(best!.Report.AchievedPerSecond, 4700, 5000);
        Assert.Equal(ExitCode.Saturated, search.Outcome);
        Assert.Contains("at least", screen.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_WithErrorsAtHighRates_StaysBelowThem()
    {
        (MaxRateSearch search, _, _) = Search(1000, rate => Good(rate, change: total => total.Measured[Counter.Wrong] = rate > 2500 ? 1 : 0));

        RunResult? best = await search.RunAsync(CancellationToken.None);

        Assert.InRange(best!.Report.AchievedPerSecond, 2300, 2500);
    }

    [Fact]
    public async Task Search_WithoutAGoodRate_EndsWith99()
    {
        (MaxRateSearch search, _, _) = Search(1000, Slow);

        Assert.Null(await search.RunAsync(CancellationToken.None));
        Assert.Equal(ExitCode.ThresholdBroken, search.Outcome);
    }

    [Fact]
    public async Task Search_WithoutAServer_EndsWith2()
    {
        (MaxRateSearch search, List<double> asked, _) = Search(1000, _ => null);

        Assert.Null(await search.RunAsync(CancellationToken.None));
        Assert.Equal(ExitCode.CouldNotConnect, search.Outcome);
        Assert.Single(asked);
    }

    private static (MaxRateSearch Search, List<double> Asked, StringWriter Screen) Search(double begin, Func<double, RunResult?> server)
    {
        List<double> asked = [];
        var screen = new StringWriter();
        var search = new MaxRateSearch(Reporting.Samples.Plan() with { Rate = begin }, Condition.Parse("p99<150ms"), (plan, _) =>
        {
            asked.Add(plan.Rate!.Value);
            return Task.FromResult(server(plan.Rate.Value));
        }, screen);
        return (search, asked, screen);
    }

    private static RunResult Good(double rate, double busiest = 0.2, Action<Sample>? change = null)
    {
        RunResult result = Reporting.Samples.Result(change, busiest);
        return result with { Report = result.Report with { AskedPerSecond = rate, AchievedPerSecond = rate } };
    }

    private static RunResult Slow(double rate) => Good(rate, change: total => Latencies.Record(total.Corrected, 900_000_000, 100));
}
