using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Calls that one thread makes on another.</summary>
internal sealed class CallsSuite : ISuite
{
    private const int Flood = 500_000;
    private const int Pings = 30_000;

    public string Name => "calls";

    public string Question => "How many calls a second can one thread make on another?";

    public TimeSpan Estimate(SuiteOptions options) => (options.Rounds + 1) * options.Count(PeerCatalog.Calls("")) * TimeSpan.FromSeconds(options.IsQuick ? 0.3 : 2);

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        var flood = PeerSelection.Of(PeerCatalog.Calls("calls-flood"), options);
        var ping = PeerSelection.Of(PeerCatalog.Calls("calls-ping"), options);
        StringBuilder report = new(flood.Remarks);
        report.Append("CPU is user + system time of the whole process per call, both threads together. ").Append(ReportText.Ratios("ours"));
        await ProbeComparison.AppendAsync(report, "As fast as the caller can", "flood", flood.Peers, Flood, "call", options, cancellationToken);
        await ProbeComparison.AppendAsync(report, "One at a time: the caller sleeps until its call has run", "ping", ping.Peers, Pings, "call", options, cancellationToken);
        return report.ToString();
    }
}
