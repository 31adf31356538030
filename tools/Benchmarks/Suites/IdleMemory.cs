using System.Globalization;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Anonymous memory that one more idle connection costs the server process.</summary>
internal static class IdleMemory
{
    /// <summary>Two pauses, and 11,000 connects.</summary>
    public static readonly TimeSpan EstimatePerPeer = TimeSpan.FromSeconds(3.5);

    private const int WarmUpConnections = 2000;
    private const int BaseConnections = 1000;
    private const int AddedConnections = 8000;

    /// <summary>The table, and the figures by peer name.</summary>
    public static async Task<(string Table, IReadOnlyDictionary<string, double> Bytes)> MeasureAsync(
        IReadOnlyList<Peer> peers, CancellationToken cancellationToken)
    {
        Dictionary<string, double> bytes = [];
        MarkdownTable table = new("server", "bytes per idle connection");
        foreach (Peer peer in peers)
        {
            double measured = await MeasureAsync(peer, cancellationToken);
            bytes[peer.Name] = measured;
            table.Add(peer.Title, measured.ToString("N0", CultureInfo.InvariantCulture));
            Console.WriteLine($"idle       {peer.Name,-10} {measured,9:N0} bytes/connection");
        }

        string method = $"""
            Each connection has echoed one message. RssAnon of the server with {BaseConnections + AddedConnections} held connections less that with {BaseConnections}, divided by {AddedConnections},
            after a warm-up of {WarmUpConnections}; kernel memory is not in it.
            """;
        return ($"{method}\n\n{table}", bytes);
    }

    private static async Task<double> MeasureAsync(Peer peer, CancellationToken cancellationToken)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(peer, pin: false, cancellationToken);
        await (await LoadClient.HoldAsync(server, WarmUpConnections, cancellationToken)).DisposeAsync();
        await using ChildProcess few = await LoadClient.HoldAsync(server, BaseConnections, cancellationToken);
        long before = await SettleAsync(server, cancellationToken);
        await using ChildProcess many = await LoadClient.HoldAsync(server, AddedConnections, cancellationToken);
        long after = await SettleAsync(server, cancellationToken);
        return (after - before) / (double)AddedConnections;
    }

    private static async Task<long> SettleAsync(ServerProcess server, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        return server.ReadAnonymousBytes();
    }
}
