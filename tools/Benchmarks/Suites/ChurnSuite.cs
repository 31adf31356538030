using System.Globalization;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Server CPU per connection that is opened, echoes one message and is closed by the client.</summary>
internal sealed class ChurnSuite : ISuite
{
    private const int Connections = 64;
    private const double Goal = 1.3;

    public string Name => "churn";

    public string Question => "What does a connection cost that is opened, echoes one message and is closed?";

    public TimeSpan Estimate(SuiteOptions options) => options.EstimateServers(options.Count(PeerCatalog.Echo), shapes: 1);

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        var selection = PeerSelection.Of(PeerCatalog.Echo, options);
        await using ServerFleet servers = await ServerFleet.StartAsync(selection.Peers, options, cancellationToken);
        Rounds rounds = await Rounds.MeasureAsync(
            Name, servers.Contenders(server => LoadClient.ChurnAsync(server, Connections, options, cancellationToken)), "connection", PeerCatalog.Limit, options, cancellationToken);
        Verdict verdict = new();
        verdict.AddRatio("CPU per connection", rounds, "ours-raw", PeerCatalog.Limit, Goal);
        StringBuilder report = new(selection.Remarks);
        report.Append(CultureInfo.InvariantCulture, $"{Connections} connections at a time, 64 bytes on each, from 250 loopback addresses in turn. {ReportText.Servers("connection")}");
        report.Append("Latency is from `connect` to the last byte of the echo.\n\n");
        return report.Append(rounds.ToTable()).Append(verdict.ToChapter()).ToString();
    }
}
