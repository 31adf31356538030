using System.Text;

namespace Benchmarks.Running;

/// <summary>Which peers a run measures, and what the report says about that.</summary>
internal sealed class PeerSelection
{
    private PeerSelection(IReadOnlyList<Peer> peers, string remarks)
    {
        Peers = peers;
        Remarks = remarks;
    }

    /// <summary>Wanted, and able to run here.</summary>
    public IReadOnlyList<Peer> Peers { get; }

    /// <summary>Versions of the peers, and a reason for each that was skipped; Markdown that goes on with the list of the machine, and ends with an empty line.</summary>
    public string Remarks { get; }

    public static PeerSelection Of(IEnumerable<Peer> peers, SuiteOptions options)
    {
        List<Peer> kept = [];
        StringBuilder skipped = new();
        foreach (Peer peer in peers.Where(peer => options.Wants(peer.Name)))
        {
            if (peer.Missing() is { } reason)
            {
                Console.WriteLine($"skipped {peer.Name}: {reason}");
                skipped.Append("- skipped ").Append(peer.Name).Append(": ").Append(reason).Append('\n');
            }
            else
            {
                kept.Add(peer);
            }
        }

        string versions = string.Join(", ", kept.Where(peer => peer.Version is not null).Select(peer => peer.Version!()).Distinct());
        string remarks = (versions.Length > 0 ? $"- peers: {versions}\n" : "") + skipped + "\n";
        return new PeerSelection(kept, remarks);
    }
}
