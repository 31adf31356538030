namespace Benchmarks.Running;

/// <summary>Several servers that listen at the same time and are loaded in turn.</summary>
internal sealed class ServerFleet : IAsyncDisposable
{
    private readonly List<ServerProcess> _servers = [];

    private ServerFleet()
    {
    }

    public static async Task<ServerFleet> StartAsync(IEnumerable<Peer> peers, SuiteOptions options, CancellationToken cancellationToken)
    {
        var fleet = new ServerFleet();
        try
        {
            foreach (Peer peer in peers)
            {
                fleet._servers.Add(await ServerProcess.StartAsync(peer, options.Pin, cancellationToken));
            }

            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a round does with each of them.</summary>
    public IReadOnlyList<Contender> Contenders(Func<ServerProcess, Task<Window>> measure) =>
        [.. _servers.Select(server => new Contender(server.Peer.Name, server.Peer.Title, () => measure(server)))];

    public async ValueTask DisposeAsync()
    {
        foreach (ServerProcess server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
