using System.Globalization;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Server CPU per echoed message against the raw C server, and memory per idle connection.</summary>
internal sealed class EchoSuite : ISuite
{
    public string Name => "echo";

    public string Question => "What does an echoed message cost, in three shapes, and what does an idle connection?";

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        List<Peer> peers = [];
        StringBuilder report = new();
        foreach (Peer peer in PeerCatalog.Echo.Where(peer => options.Wants(peer.Name)))
        {
            if (peer.Missing() is { } reason)
            {
                Console.WriteLine($"skipped {peer.Name}: {reason}");
                report.Append(CultureInfo.InvariantCulture, $"Skipped: {peer.Name}, {reason}.\n\n");
            }
            else
            {
                peers.Add(peer);
            }
        }

        report.Append("CPU is user + system time of the server process per message; a ratio is the median over the rounds of (server / raw C in the same round), with the lowest and highest round behind it.\n");
        report.Append("Latency is from sending a connection's batch to its last byte, with every connection busy all the time: it shows saturation, not a quiet server.\n");
        Verdict verdict = new();
        foreach (Shape shape in Shape.Echo)
        {
            Rounds rounds = await MeasureShapeAsync(shape, peers, options, cancellationToken);
            report.Append(CultureInfo.InvariantCulture, $"\n## {shape.Title}\n\n{rounds.ToTable()}");
            verdict.Add(shape, rounds);
        }

        (string table, IReadOnlyDictionary<string, double> idleBytes) = await IdleMemory.MeasureAsync(peers, cancellationToken);
        report.Append(CultureInfo.InvariantCulture, $"\n## Bytes per idle connection\n\n{table}");
        verdict.AddIdle(idleBytes);
        if (!verdict.IsEmpty)
        {
            report.Append(CultureInfo.InvariantCulture, $"\n## Goals\n\n{verdict.ToTable()}");
        }

        return report.ToString();
    }

    // A process per shape: a server that has specialised on one shape would carry that into the next.
    private static async Task<Rounds> MeasureShapeAsync(Shape shape, IReadOnlyList<Peer> peers, SuiteOptions options, CancellationToken cancellationToken)
    {
        Rounds rounds = new(peers);
        List<ServerProcess> servers = [];
        try
        {
            foreach (Peer peer in peers)
            {
                servers.Add(await ServerProcess.StartAsync(peer, options.Pin, cancellationToken));
            }

            for (int round = 1; round <= options.Rounds; round++)
            {
                foreach (ServerProcess server in servers)
                {
                    LoadResult result = await LoadClient.MeasureAsync(server, shape, options, cancellationToken);
                    rounds.Add(server.Peer, result);
                    Console.WriteLine(
                        $"{shape.Name,-10} round {round}/{options.Rounds}  {server.Peer.Name,-10} {result.CpuPerMessage,7:F3} us/message {result.Rate,10:N0}/s  p99 {result.P99Microseconds / 1000,6:F2} ms");
                }
            }
        }
        finally
        {
            foreach (ServerProcess server in servers)
            {
                await server.DisposeAsync();
            }
        }

        return rounds;
    }
}
