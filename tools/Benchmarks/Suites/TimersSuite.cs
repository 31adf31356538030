using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>What a timer costs that is cancelled, and one that fires.</summary>
internal sealed class TimersSuite : ISuite
{
    private const int Timers = 1_000_000;

    public string Name => "timers";

    public string Question => "What does a timer cost, cancelled or fired, when there are a million of them?";

    // A window is a second or two of the slowest: a million timers that fire within a second.
    public TimeSpan Estimate(SuiteOptions options) => (options.Rounds + 1) * options.Count(PeerCatalog.Timers("")) * TimeSpan.FromSeconds(options.IsQuick ? 1 : 3);

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        var cancelled = PeerSelection.Of(PeerCatalog.Timers("timers-cancel"), options);
        var fired = PeerSelection.Of(PeerCatalog.Timers("timers-fire"), options);
        StringBuilder report = new(cancelled.Remarks);
        report.Append("CPU is user + system time of the whole process per timer, garbage collection included, on all its threads. ").Append(ReportText.Ratios("ours"));
        await ProbeComparison.AppendAsync(report, "Schedule a million, then cancel all: due within a minute, evenly spread", "cancel", cancelled.Peers, Timers, "timer", options, cancellationToken);
        await ProbeComparison.AppendAsync(report, "Schedule a million, and wait until all have fired: due within a second, evenly spread", "fire", fired.Peers, Timers, "timer", options, cancellationToken);
        return report.ToString();
    }
}
