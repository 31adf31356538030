using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tour.Tests;

/// <summary>The tour as a process of its own, to be signalled; killed when the test ends.</summary>
internal sealed partial class TourProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigTerm = 15;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    public TourProcess(params string[] arguments)
    {
        // The very runtime that runs the tests, wherever it is installed.
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        var start = new ProcessStartInfo(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Tour.dll"));
        Array.ForEach(arguments, start.ArgumentList.Add);
        _process = Process.Start(start)!;
    }

    /// <summary>The next line of its output; null at the end.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(s_deadline);

    /// <summary>Reads up to a line.</summary>
    public async Task ReadUntilAsync(string line)
    {
        while (await ReadLineAsync() is { } read)
        {
            if (read == line)
            {
                return;
            }
        }
        Assert.Fail($"The output ended without the line: {line}");
    }

    /// <summary>The next line of its error output; null at the end.</summary>
    public async Task<string?> ReadErrorLineAsync() => await _process.StandardError.ReadLineAsync().WaitAsync(s_deadline);

    public async Task<string[]> ReadToEndAsync() =>
        (await _process.StandardOutput.ReadToEndAsync().WaitAsync(s_deadline)).Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_deadline);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
