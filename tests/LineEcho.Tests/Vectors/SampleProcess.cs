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

    private SampleProcess(string assembly, IEnumerable<string> arguments)
    {
        // The very runtime that runs the tests, wherever it is installed.
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        ProcessStartInfo start = new(dotnet, [Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
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
    public static async Task<SampleProcess> ListenAsync(string assembly, params IEnumerable<string> arguments)
    {
        SampleProcess process = new(assembly, ["--port", "0", .. arguments]);
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
        await using SampleProcess process = new(assembly, arguments);
        string output = await process._process.StandardOutput.ReadToEndAsync().WaitAsync(s_deadline);
        return (await process.WaitForExitAsync(), output, process.Errors);
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

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
