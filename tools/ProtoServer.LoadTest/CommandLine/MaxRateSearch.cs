using System.Globalization;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary><c>--find-max</c>: doubles the rate until the goal is missed, then halves the gap until it is 5 % wide.</summary>
/// <remarks>A rate is good when the goal holds, at least 99 % of it was achieved, and nothing was lost or wrong.</remarks>
internal sealed class MaxRateSearch(LoadPlan plan, Condition goal, Func<LoadPlan, CancellationToken, Task<RunResult?>> run, TextWriter screen)
{
    private const double FirstRate = 1000;
    private const double Precision = 1.05;
    private const int MaxSteps = 24;

    /// <summary>The exit code when the figures themselves are good.</summary>
    public int Outcome { get; private set; }

    /// <returns>The run at the highest good rate; null when there was none.</returns>
    public async Task<RunResult?> RunAsync(CancellationToken interrupt)
    {
        screen.WriteLine($"{PlanText.Subject(plan)}; searching the highest rate with {goal.Text}, {Quantity.Option(plan.Duration!.Value)} a step");
        double rate = plan.Rate ?? FirstRate;
        double low = 0;
        double high = double.PositiveInfinity;
        bool limitedByGenerator = false;
        RunResult? best = null;
        for (int step = 0; step < MaxSteps && high / Math.Max(low, 1) > Precision && rate >= 1 && !interrupt.IsCancellationRequested; step++)
        {
            RunResult? result = await run(plan with { Rate = rate }, interrupt).ConfigureAwait(false);
            if (result is null)
            {
                Outcome = ExitCode.CouldNotConnect;
                return null;
            }
            RunReport report = result.Report;
            bool holds = goal.Holds(result, out string actual);
            bool good = holds && report.Valid && report.AchievedPerSecond >= 0.99 * rate && report.Counts.Errors == 0 && !report.Interrupted;
            string verdict = good ? "good" : !report.Valid ? "the generator is the bottleneck" : holds ? "rate not kept, or replies lost or wrong" : "goal missed";
            screen.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {Quantity.Rate(rate),12} asked  {Quantity.Rate(report.AchievedPerSecond),12} achieved  {goal.Text}: {actual,9}  {verdict}"));
            screen.Flush();
            if (good)
            {
                best = result;
                low = rate;
                rate = double.IsPositiveInfinity(high) ? rate * 2 : (low + high) / 2;
            }
            else
            {
                limitedByGenerator = !report.Valid;
                high = rate;
                rate = low == 0 ? rate / 4 : (low + high) / 2;
            }
        }
        Outcome = best is null ? ExitCode.ThresholdBroken : limitedByGenerator ? ExitCode.Saturated : ExitCode.Good;
        screen.WriteLine(best is null ? "No rate reached the goal."
            : limitedByGenerator ? $"Highest rate: at least {Quantity.Rate(low)}; there the generator, not the server, was the bottleneck."
            : $"Highest rate with {goal.Text}: {Quantity.Rate(low)} (within 5 %)");
        return best;
    }
}
