using System.Globalization;

namespace Benchmarks.Running;

/// <summary>peers/load.c and peers/churn.c: the clients of every server measurement.</summary>
internal static class LoadClient
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(40);

    /// <summary>Loads the server and returns what the window after the warm-up held.</summary>
    public static Task<Window> MeasureAsync(ServerProcess server, Shape shape, SuiteOptions options, CancellationToken cancellationToken) =>
        RunAsync(
            "load.c",
            server,
            ["--connections", $"{shape.Connections}", "--size", $"{shape.SizeBytes}", "--depth", $"{shape.Depth}", "--rate", $"{shape.Rate ?? 0}"],
            options,
            cancellationToken);

    /// <summary>Opens connections, echoes once on each and closes it, so many at a time; the window's operations are connections.</summary>
    public static Task<Window> ChurnAsync(ServerProcess server, int connections, SuiteOptions options, CancellationToken cancellationToken) =>
        RunAsync("churn.c", server, ["--connections", $"{connections}", "--size", "64"], options, cancellationToken);

    /// <summary>Opens connections, echoes once on each, and holds them until the returned process is disposed.</summary>
    public static async Task<ChildProcess> HoldAsync(ServerProcess server, int connections, CancellationToken cancellationToken)
    {
        ChildProcess client = ChildProcess.Start(
            [NativeBuild.Compile("load.c"), "--port", $"{server.Port}", "--connections", $"{connections}", "--size", "64", "--hold"], core: null);
        string? line = await client.Output.ReadLineAsync(cancellationToken).AsTask().WaitAsync(_grace, cancellationToken);
        return line is not null ? client : throw new InvalidOperationException($"{server.Peer.Name} with {connections} connections: {await client.ErrorsAsync()}");
    }

    private static async Task<Window> RunAsync(string source, ServerProcess server, string[] work, SuiteOptions options, CancellationToken cancellationToken)
    {
        double warmUp = server.IsWarm ? options.SettleSeconds : options.WarmUpSeconds;
        string[] command =
        [
            NativeBuild.Compile(source), .. server.All.SelectMany(process => (string[])["--port", $"{process.Port}", "--pid", $"{process.Id}"]), .. work,
            "--warmup", warmUp.ToString(CultureInfo.InvariantCulture), "--seconds", options.Seconds.ToString(CultureInfo.InvariantCulture),
        ];
        await using ChildProcess client = ChildProcess.Start(command, options.Pin ? 1 : null);
        string output = await client.ReadToEndAsync(cancellationToken).WaitAsync(TimeSpan.FromSeconds(warmUp + options.Seconds) + _grace, cancellationToken);
        server.IsWarm = true;
        return Window.Parse(output);
    }
}
