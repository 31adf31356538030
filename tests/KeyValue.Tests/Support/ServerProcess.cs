using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace KeyValue.Tests.Support;

/// <summary>A server in a process of its own: ours, or Redis as the oracle.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Queue<string> _errors = new();

    private ServerProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                _errors.Enqueue(line.Data ?? "");
                while (_errors.Count > 200)
                {
                    _errors.Dequeue();
                }
            }
        };
        process.BeginErrorReadLine();
    }

    public int Port { get; private set; }

    public int ProcessId => _process.Id;

    /// <summary>What it wrote to its error output, the last 200 lines.</summary>
    public string Log
    {
        get
        {
            lock (_errors)
            {
                return string.Join('\n', _errors);
            }
        }
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{_process.Id}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024;
        }
    }

    /// <summary>Starts ours on a free port and waits for its first line.</summary>
    public static async Task<ServerProcess> StartKeyValueAsync(params string[] arguments)
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "KeyValue.dll");
        ServerProcess server = new(Start(Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet", [assembly, "--port", "0", .. arguments.Contains("--log") ? Array.Empty<string>() : ["--log", "Warning"], .. arguments]));
        string? line = await server._process.StandardOutput.ReadLineAsync().WaitAsync(StartDeadline);
        Assert.True(line?.StartsWith("listening on ", StringComparison.Ordinal), $"First line: '{line}'\n{server.Log}");
        server.Port = IPEndPoint.Parse(line!["listening on ".Length..]).Port;
        return server;
    }

    /// <summary>Starts redis-server on a free port; skips the test where it is not installed.</summary>
    public static async Task<ServerProcess> StartRedisAsync(params string[] arguments)
    {
        string program = Tool.Require("redis-server", "redis-server");
        for (int attempt = 0; ; attempt++)
        {
            // Redis cannot take port 0, so this asks the system for one that is free now.
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            int port = ((IPEndPoint)probe.LocalEndPoint!).Port;
            probe.Close();
            string[] all = ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", Path.GetTempPath(), .. arguments];
            ServerProcess server = new(Start(program, all)) { Port = port };
            while (await server._process.StandardOutput.ReadLineAsync().WaitAsync(StartDeadline) is string line)
            {
                if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
                {
                    _ = server._process.StandardOutput.ReadToEndAsync();
                    return server;
                }
            }
            Assert.True(attempt < 5, "redis-server found no port.");
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(StartDeadline);
    }

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public async Task<int> TerminateAsync()
    {
        await Tool.RunAsync("/bin/kill", ["-TERM", $"{_process.Id}"], TimeSpan.FromSeconds(5));
        return await WaitForExitAsync();
    }

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(StartDeadline);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }
        _process.Dispose();
    }

    private static Process Start(string program, IEnumerable<string> arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
