using System.Globalization;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Work that happens inside one process: probes that stay alive over all rounds and do the work when told.</summary>
internal static class ProbeComparison
{
    // The first runs are slow for every JIT.
    private const int WarmUps = 3;

    // A smoke test does a tenth.
    private const int QuickShare = 10;

    /// <summary>The peer that every ratio is relative to.</summary>
    public const string Reference = "ours";

    /// <summary>Appends a chapter with the table of one kind of work.</summary>
    public static async Task AppendAsync(
        StringBuilder report, string title, string label, IEnumerable<Peer> peers, int operations, string unit, SuiteOptions options, CancellationToken cancellationToken)
    {
        int count = options.IsQuick ? operations / QuickShare : operations;
        List<ProbeProcess> probes = [];
        try
        {
            foreach (Peer peer in peers)
            {
                ProbeProcess probe = await ProbeProcess.StartAsync(peer, cancellationToken);
                probes.Add(probe);
                for (int i = 0; i < WarmUps; i++)
                {
                    await probe.MeasureAsync(Math.Max(1, count / WarmUps), cancellationToken);
                }
            }

            Contender[] contenders = [.. probes.Select(probe => new Contender(probe.Peer.Name, probe.Peer.Title, () => probe.MeasureAsync(count, cancellationToken)))];
            Rounds rounds = await Rounds.MeasureAsync(label, contenders, unit, Reference, options, cancellationToken);
            report.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n{rounds.ToTable()}");
        }
        finally
        {
            foreach (ProbeProcess probe in probes)
            {
                await probe.DisposeAsync();
            }
        }
    }
}
