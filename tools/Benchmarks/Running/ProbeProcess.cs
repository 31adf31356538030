namespace Benchmarks.Running;

/// <summary>A process that does work inside itself, as often as it is told, and says what that cost.</summary>
internal sealed class ProbeProcess : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(120);
    private readonly ChildProcess _process;

    private ProbeProcess(Peer peer, ChildProcess process)
    {
        Peer = peer;
        _process = process;
    }

    public Peer Peer { get; }

    public static async Task<ProbeProcess> StartAsync(Peer peer, CancellationToken cancellationToken)
    {
        var probe = new ProbeProcess(peer, ChildProcess.Start(peer.Command(), core: null));
        try
        {
            await probe.ReadLineAsync(cancellationToken);
            return probe;
        }
        catch
        {
            await probe.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does so many operations.</summary>
    public async Task<Window> MeasureAsync(int operations, CancellationToken cancellationToken)
    {
        await _process.WriteLineAsync($"{operations}", cancellationToken);
        return Window.Parse(await ReadLineAsync(cancellationToken));
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken) =>
        await _process.Output.ReadLineAsync(cancellationToken).AsTask().WaitAsync(_deadline, cancellationToken)
            ?? throw new InvalidOperationException($"{Peer.Name} ended: {await _process.ErrorsAsync()}");
}
