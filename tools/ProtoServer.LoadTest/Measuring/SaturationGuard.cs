using System.Globalization;
using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Measuring;

/// <summary>Whether the load generator was itself the bottleneck, so that its figures say more about it than about the server.</summary>
internal static class SaturationGuard
{
    /// <summary>Own lag at p99, as a share of the measured p99, above which latencies are not believed.</summary>
    public const double LagShare = 0.1;

    /// <summary>
    /// Lag below this is never held against the generator: it is what one wake-up costs, and every client of the server would pay it.
    /// </summary>
    public const double LagFloorMs = 0.2;

    /// <summary>Share of sends that may be late by more than 1 ms.</summary>
    public const double LateShare = 0.01;

    /// <summary>Share of its time that a loop may be running.</summary>
    public const double BusyShare = 0.9;

    /// <summary>The reasons for which the figures are not valid; none when they are.</summary>
    public static IReadOnlyList<string> Judge(LoadPlan plan, RunOutcome outcome)
    {
        List<string> reasons = [];
        Sample total = outcome.Total;
        double lag = Latencies.Milliseconds(total.Lag, 99);
        double measured = Latencies.Milliseconds(total.Corrected, 99);
        if (lag > LagFloorMs && lag > LagShare * measured)
        {
            reasons.Add($"the generator's own sends were late by {Quantity.Duration(lag)} at p99, more than a tenth of the measured p99 of {Quantity.Duration(measured)}");
        }
        double late = LateShareOf(total.Measured);
        if (late > LateShare)
        {
            reasons.Add(string.Create(CultureInfo.InvariantCulture, $"{late:P1} of the sends were late by more than 1 ms through the generator's own fault"));
        }
        if (outcome.Busiest > BusyShare)
        {
            reasons.Add(string.Create(CultureInfo.InvariantCulture, $"the generator's busiest loop was running {outcome.Busiest:P0} of the time: it cannot go faster")
                + (plan.Threads < Environment.ProcessorCount ? "; add --threads" : "; lower the load, or spread it over more machines"));
        }
        return reasons;
    }

    public static double LateShareOf(Ledger ledger) =>
        ledger[Counter.Paced] == 0 ? 0 : (double)ledger[Counter.PacedLate] / ledger[Counter.Paced];
}
