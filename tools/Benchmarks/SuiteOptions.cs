using Benchmarks.Running;

namespace Benchmarks;

/// <summary>What the command line decided for one run of a suite.</summary>
/// <param name="Rounds">How often each peer is measured in each shape; peers are interleaved within a round.</param>
/// <param name="Seconds">Length of one measured window.</param>
/// <param name="WarmUpSeconds">Load before a server's first window, so that its hot path has reached the JIT's last tier.</param>
/// <param name="Only">Names of peers, or of parts of a suite, to keep; empty keeps all.</param>
/// <param name="Pin">Server on core 0, client on core 1.</param>
/// <param name="IsQuick">A smoke test: what is not a matter of seconds is done less often, too.</param>
/// <param name="Command">The command as typed, for the report.</param>
internal sealed record SuiteOptions(int Rounds, double Seconds, double WarmUpSeconds, IReadOnlyList<string> Only, bool Pin, bool IsQuick, string Command)
{
    // Starting a client and opening its connections.
    private const double OverheadSeconds = 0.05;

    /// <summary>Load before every later window: the connections' first messages are not measured.</summary>
    public double SettleSeconds => Math.Min(0.2, WarmUpSeconds);

    /// <summary>Whether <see cref="Only"/> keeps this name.</summary>
    public bool Wants(string name) => Only.Count == 0 || Only.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>How many of these peers are kept, if all can run here.</summary>
    public int Count(IEnumerable<Peer> peers) => peers.Count(peer => Wants(peer.Name));

    /// <summary>How long so many servers take in so many shapes.</summary>
    public TimeSpan EstimateServers(int peers, int shapes) =>
        TimeSpan.FromSeconds(peers * shapes * (WarmUpSeconds + (Rounds * (Seconds + SettleSeconds + OverheadSeconds))));
}
