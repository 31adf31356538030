using System.Globalization;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>The windows of one shape: one list per peer, one entry per round.</summary>
internal sealed class Rounds(IReadOnlyList<Peer> peers)
{
    private readonly Dictionary<string, List<LoadResult>> _results = peers.ToDictionary(peer => peer.Name, _ => new List<LoadResult>());

    public void Add(Peer peer, LoadResult result) => _results[peer.Name].Add(result);

    /// <summary>CPU per message of one peer relative to another, round by round; null when either was not measured.</summary>
    public IReadOnlyList<double>? Ratios(string peer, string reference) =>
        _results.TryGetValue(peer, out List<LoadResult>? measured) && _results.TryGetValue(reference, out List<LoadResult>? limit)
            ? [.. measured.Zip(limit, (ours, theirs) => ours.CpuPerMessage / theirs.CpuPerMessage)]
            : null;

    public string ToTable()
    {
        MarkdownTable table = new("server", "CPU µs/message", "ratio to raw C", "lowest - highest", "messages/s", "p50 ms", "p99 ms");
        foreach (Peer peer in peers)
        {
            List<LoadResult> results = _results[peer.Name];
            IReadOnlyList<double>? ratios = Ratios(peer.Name, PeerCatalog.Limit);
            table.Add(
                peer.Title,
                Number(results.Select(result => result.CpuPerMessage).Median(), "F3"),
                ratios is null ? "-" : Number(ratios.Median(), "F2"),
                ratios is null ? "-" : $"{Number(ratios.Min(), "F2")} - {Number(ratios.Max(), "F2")}",
                Number(results.Select(result => result.Rate).Median(), "N0"),
                Number(results.Select(result => result.P50Microseconds).Median() / 1000, "F2"),
                Number(results.Select(result => result.P99Microseconds).Median() / 1000, "F2"));
        }

        return table.ToString();
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
