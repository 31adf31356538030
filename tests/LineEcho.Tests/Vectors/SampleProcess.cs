using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace ProtoServer.SpecVectors;

/// <summary>A sample as its users meet it: a process of its own, started from its built assembly.</summary>
public sealed partial class SampleProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private SampleProcess(IReadOnlyList<string> command, (string Name, string Value)? variable = null)
    {
        ProcessStartInfo start = new(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        if (variable is { } set)
        {
            start.Environment[set.Name] = set.Value;
        }

        _process = new Process { StartInfo = start };
        _process.ErrorDataReceived += (_, line) =>
        {
            // Null is the end of the stream.
            if (line.Data is not null)
            {
                lock (_errors)
                {
                    _errors.AppendLine(line.Data);
                }
            }
        };
        _process.Start();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; private set; } = new(0, 0);

    /// <summary>The first line of its standard output.</summary>
    public string FirstLine { get; private set; } = "";

    /// <summary>What it wrote to standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    /// <summary>Starts it on a free port and waits until it accepts.</summary>
    public static Task<SampleProcess> ListenAsync(string assembly, params IEnumerable<string> arguments) => ListenedAsync(new(CommandOf(assembly, ["--port", "0", .. arguments])), assembly);

    /// <summary>The same, with an environment variable set for it.</summary>
    public static Task<SampleProcess> ListenAsync(string assembly, (string Name, string Value) variable) => ListenedAsync(new(CommandOf(assembly, ["--port", "0"]), variable), assembly);

    /// <summary>Starts it as systemd does for a socket unit, with the listening socket <paramref name="descriptor"/> of this process as its descriptor 3.</summary>
    /// <param name="descriptor">One that is inherited.</param>
    public static Task<SampleProcess> ListenOnAsync(string assembly, int descriptor, params IEnumerable<string> arguments) => ListenedAsync(
        new(["bash", "-c", $"LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&{descriptor} {descriptor}<&-", "bash", .. CommandOf(assembly, arguments)]), assembly);

    private static async Task<SampleProcess> ListenedAsync(SampleProcess process, string assembly)
    {
        process.FirstLine = await process._process.StandardOutput.ReadLineAsync().WaitAsync(s_deadline) ?? "";
        if (!process.FirstLine.StartsWith("listening on ", StringComparison.Ordinal))
        {
            await process.DisposeAsync();
            throw new InvalidOperationException($"{assembly} said \"{process.FirstLine}\" and {process.Errors}");
        }

        process.EndPoint = IPEndPoint.Parse(process.FirstLine["listening on ".Length..]);
        return process;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string assembly, params IEnumerable<string> arguments)
    {
        await using SampleProcess process = new(CommandOf(assembly, arguments));
        return await process.ToEndAsync();
    }

    /// <summary>The same, with an environment variable set for it.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string assembly, (string Name, string Value) variable)
    {
        await using SampleProcess process = new(CommandOf(assembly, ["--port", "0"]), variable);
        return await process.ToEndAsync();
    }

    /// <summary>The names of its threads.</summary>
    public IReadOnlyList<string> ThreadNames() => [.. Directory.EnumerateDirectories($"/proc/{_process.Id}/task").Select(static task => File.ReadAllText(Path.Combine(task, "comm")).TrimEnd())];

    private async Task<(int ExitCode, string Output, string Errors)> ToEndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync().WaitAsync(s_deadline);
        return (await WaitForExitAsync(), output, Errors);
    }

    /// <summary>Sends it a signal.</summary>
    public void Signal(int signal)
    {
        if (Kill(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"kill failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_deadline);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync().WaitAsync(s_deadline);
        }

        _process.Dispose();
    }

    // The very runtime that runs the tests, wherever it is installed.
    private static IReadOnlyList<string> CommandOf(string assembly, IEnumerable<string> arguments) =>
        [Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet")), Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), .. arguments];

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
