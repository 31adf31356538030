using System.Collections.Concurrent;
using System.Diagnostics;

namespace Benchmarks.Running;

/// <summary>A child that does not outlive this program: killed at dispose, and all of them by <see cref="KillAll"/> on the way out.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<int, Process> _running = new();
    private readonly Process _process;
    private readonly Task<string> _errors;

    private ChildProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public StreamReader Output => _process.StandardOutput;

    public static ChildProcess Start(IReadOnlyList<string> command, int? core)
    {
        List<string> words = core is { } pinned ? ["taskset", "-c", $"{pinned}", .. command] : [.. command];
        ProcessStartInfo start = new(words[0], words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // The same runtime settings for every .NET peer, whatever the shell has exported.
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "1";
        start.Environment["DOTNET_TieredCompilation"] = "1";
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{words[0]} did not start");
        _running[process.Id] = process;
        return new ChildProcess(process);
    }

    public static void KillAll()
    {
        foreach (Process process in _running.Values)
        {
            Kill(process);
        }
    }

    /// <summary>Waits for a child that ends by itself.</summary>
    /// <param name="cancellationToken">Ends this wait only.</param>
    /// <param name="isGood">Which exit codes are no failure; null: 0.</param>
    /// <exception cref="InvalidOperationException">It ended with another code: the message has what it wrote to standard error.</exception>
    public async Task<string> ReadToEndAsync(CancellationToken cancellationToken, Predicate<int>? isGood = null)
    {
        string output = await _process.StandardOutput.ReadToEndAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        bool good = isGood?.Invoke(_process.ExitCode) ?? _process.ExitCode == 0;
        return good ? output : throw new InvalidOperationException($"exit code {_process.ExitCode}: {(await _errors).Trim()}");
    }

    public async Task WriteLineAsync(string line, CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
    }

    public async Task<string> ErrorsAsync()
    {
        Kill(_process);
        return (await _errors).Trim();
    }

    public async ValueTask DisposeAsync()
    {
        Kill(_process);
        await _process.WaitForExitAsync(CancellationToken.None);
        _running.TryRemove(_process.Id, out _);
        _process.Dispose();
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself: what was wanted.
        }
    }
}
