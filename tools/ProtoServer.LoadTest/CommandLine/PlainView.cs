using System.Globalization;
using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>A line a second, for files, pipes and continuous integration.</summary>
internal sealed class PlainView(LoadPlan plan, TextWriter screen) : IRunObserver
{
    public void Connected(int open, int wanted, TimeSpan took)
    {
        screen.WriteLine($"{open} of {wanted} connections open after {Quantity.Duration(took.TotalMilliseconds)}");
        screen.Flush();
    }

    public void Interval(Sample sample, TimeSpan sinceStart)
    {
        IntervalSummary summary = IntervalSummary.Of(sample, 0);
        string line = string.Create(CultureInfo.InvariantCulture, $"{sinceStart.TotalSeconds,6:0.0} s  {Quantity.Rate(summary.AnsweredPerSecond),12}");
        if (sample.IsWarmup)
        {
            line += "  warm-up";
        }
        else if (sample.Corrected.TotalCount > 0)
        {
            line += string.Create(CultureInfo.InvariantCulture,
                $"  p50 {Quantity.Duration(summary.CorrectedP50Ms),-8} p99 {Quantity.Duration(summary.CorrectedP99Ms),-8} max {Quantity.Duration(summary.CorrectedMaxMs),-8}");
        }
        line += $"  errors {Quantity.Count(summary.Wrong + summary.Lost + summary.OtherErrors)}  open {summary.OpenConnections} of {plan.Connections}";
        screen.WriteLine(line);
        screen.Flush();
    }
}
