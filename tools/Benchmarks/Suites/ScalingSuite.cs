using System.Globalization;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Server CPU per echoed message from one connection to ten thousand.</summary>
internal sealed class ScalingSuite : ISuite
{
    // 10,000 on either side: a process may commonly have 20,000 descriptors or more.
    private static readonly int[] _connections = [1, 10, 100, 1000, 10_000];

    // One of each kind: the others differ from these in a factor, not in how they scale.
    private static readonly string[] _peers = [PeerCatalog.Limit, "ours-raw", "libuv", "uvloop", "go", "kestrel"];

    public string Name => "scaling";

    public string Question => "What does an echoed message cost with 1, 10, 100, 1000 and 10000 connections?";

    public TimeSpan Estimate(SuiteOptions options) => options.EstimateServers(options.Count(Peers(options)), _connections.Length) + (options.Rounds * TimeSpan.FromSeconds(_peers.Length));

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        var selection = PeerSelection.Of(Peers(options), options);
        List<Rounds> columns = [];
        foreach (int connections in _connections)
        {
            Shape shape = new($"{connections}x64", $"{connections} connections x 64 B", connections, 64, 1);
            await using ServerFleet servers = await ServerFleet.StartAsync(selection.Peers, options, cancellationToken);
            columns.Add(await Rounds.MeasureAsync(
                shape.Name, servers.Contenders(server => LoadClient.MeasureAsync(server, shape, options, cancellationToken)), "message", PeerCatalog.Limit, options, cancellationToken));
        }

        StringBuilder report = new(selection.Remarks);
        report.Append("64 bytes a message, one message in flight on each connection. Each cell: CPU µs per message (ratio to raw C). ").Append(ReportText.Servers("message")).Append('\n');
        MarkdownTable table = new(["", .. _connections.Select(count => count.ToString("N0", CultureInfo.InvariantCulture))]);
        foreach (Peer peer in selection.Peers)
        {
            table.Add([peer.Title, .. columns.Select(rounds => Cell(rounds, peer.Name))]);
        }

        return report.Append(table).ToString();
    }

    private static IEnumerable<Peer> Peers(SuiteOptions options) => PeerCatalog.Echo.Where(peer => options.Only.Count > 0 || _peers.Contains(peer.Name));

    private static string Cell(Rounds rounds, string peer)
    {
        string cost = rounds.Cost(peer)!.Value.ToString("F2", CultureInfo.InvariantCulture);
        return rounds.Ratio(peer) is { } ratio ? $"{cost} ({ratio.ToString("F2", CultureInfo.InvariantCulture)})" : cost;
    }
}
