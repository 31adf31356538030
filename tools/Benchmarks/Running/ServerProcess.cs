using System.Globalization;

namespace Benchmarks.Running;

/// <summary>A peer that listens.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const string Greeting = "listening on ";
    private static readonly TimeSpan _answerDeadline = TimeSpan.FromSeconds(20);
    private readonly ChildProcess _process;
    private readonly List<ServerProcess> _others = [];

    private ServerProcess(Peer peer, ChildProcess process, int port)
    {
        Peer = peer;
        Port = port;
        _process = process;
    }

    /// <summary>This one and those that run beside it as one server.</summary>
    public IEnumerable<ServerProcess> All => [this, .. _others];

    public Peer Peer { get; }

    public int Port { get; }

    public int Id => _process.Id;

    /// <summary>Whether it was under load long enough once.</summary>
    public bool IsWarm { get; set; }

    public static async Task<ServerProcess> StartAsync(Peer peer, bool pin, CancellationToken cancellationToken)
    {
        ServerProcess first = await StartOneAsync(peer, pin, cancellationToken);
        try
        {
            while (first._others.Count < peer.Processes - 1)
            {
                first._others.Add(await StartOneAsync(peer, pin, cancellationToken));
            }

            return first;
        }
        catch
        {
            await first.DisposeAsync();
            throw;
        }
    }

    private static async Task<ServerProcess> StartOneAsync(Peer peer, bool pin, CancellationToken cancellationToken)
    {
        ChildProcess process = ChildProcess.Start(peer.Command(), pin ? 0 : null);
        try
        {
            string? line = await process.Output.ReadLineAsync(cancellationToken).AsTask().WaitAsync(_answerDeadline, cancellationToken);
            if (line is null || !line.StartsWith(Greeting, StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"{peer.Name} printed '{line}' where 'listening on HOST:PORT' was expected. {await process.ErrorsAsync()}");
            }

            return new ServerProcess(peer, process, int.Parse(line[(line.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes a line to its standard input and returns the line that it answers.</summary>
    public async Task<string> AskAsync(string line, CancellationToken cancellationToken)
    {
        await _process.WriteLineAsync(line, cancellationToken);
        return await _process.Output.ReadLineAsync(cancellationToken).AsTask().WaitAsync(_answerDeadline, cancellationToken)
            ?? throw new InvalidOperationException($"{Peer.Name} ended: {await _process.ErrorsAsync()}");
    }

    /// <summary>Bytes of anonymous memory in RAM: heap, stacks and JIT-compiled code, without mapped files.</summary>
    public long ReadAnonymousBytes()
    {
        const string Field = "RssAnon:";
        string line = File.ReadLines($"/proc/{Id}/status").First(text => text.StartsWith(Field, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Field.Length).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) * 1024;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        foreach (ServerProcess other in _others)
        {
            await other.DisposeAsync();
        }
    }
}
