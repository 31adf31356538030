using System.Globalization;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Server CPU per echoed message against the raw C server, and memory per idle connection.</summary>
internal sealed class EchoSuite : ISuite
{
    private const double RawGoal = 1.05;
    private const double LineGoal = 1.15;
    private const double IdleBytesGoal = 700;

    private static readonly (string Peer, double Goal)[] _goalsBesidePeers = [("libuv", 1.0), ("uvloop", 0.85), ("kestrel", 0.42)];

    public string Name => "echo";

    public string Question => "What does an echoed message cost, in three shapes, and what does an idle connection?";

    public TimeSpan Estimate(SuiteOptions options)
    {
        int peers = options.Count(PeerCatalog.Echo);
        return options.EstimateServers(peers, Shape.Echo.Count) + (peers * IdleMemory.EstimatePerPeer);
    }

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        var selection = PeerSelection.Of(PeerCatalog.Echo, options);
        StringBuilder report = new(selection.Remarks);
        report.Append(ReportText.Servers("message"));
        report.Append("Latency is from sending a connection's batch to its last byte, with every connection busy all the time: it shows saturation, not a quiet server.\n");
        Verdict verdict = new();
        foreach (Shape shape in Shape.Echo)
        {
            Rounds rounds = await MeasureShapeAsync(shape, selection.Peers, options, cancellationToken);
            report.Append(CultureInfo.InvariantCulture, $"\n## {shape.Title}\n\n{rounds.ToTable()}");
            string what = $"CPU per message, {shape.Title}";
            verdict.AddRatio(what, rounds, "ours-raw", PeerCatalog.Limit, RawGoal);
            verdict.AddRatio(what, rounds, "ours-line", PeerCatalog.Limit, LineGoal);
            foreach ((string peer, double goal) in _goalsBesidePeers)
            {
                verdict.AddRatio(what, rounds, "ours-raw", peer, goal);
            }
        }

        (string table, IReadOnlyDictionary<string, double> idleBytes) = await IdleMemory.MeasureAsync(selection.Peers, cancellationToken);
        report.Append(CultureInfo.InvariantCulture, $"\n## Bytes per idle connection\n\n{table}");
        if (idleBytes.TryGetValue("ours-raw", out double bytes))
        {
            verdict.Add("bytes per idle connection, ours-raw", bytes, IdleBytesGoal, "F0");
        }

        return report.Append(verdict.ToChapter()).ToString();
    }

    // A process per shape: a server that has specialised on one shape would carry that into the next.
    private static async Task<Rounds> MeasureShapeAsync(Shape shape, IReadOnlyList<Peer> peers, SuiteOptions options, CancellationToken cancellationToken)
    {
        await using ServerFleet servers = await ServerFleet.StartAsync(peers, options, cancellationToken);
        return await Rounds.MeasureAsync(
            shape.Name, servers.Contenders(server => LoadClient.MeasureAsync(server, shape, options, cancellationToken)), "message", PeerCatalog.Limit, options, cancellationToken);
    }
}
