using System.Globalization;
using System.Text;
using System.Text.Json;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>CPU per message of the load tool against the C client, on the same work against the same raw C server.</summary>
internal sealed class LoadSuite : ISuite
{
    private const double Goal = 1.3;
    private const string Limit = "load.c";
    private const string Ours = "proto-load";

    // It is started anew for each window, so each has to bring its hot path to the JIT's last tier.
    private const double LeastWarmUpSeconds = 4;

    // The tool's "the generator was the bottleneck". Here it is meant to be: there is nothing else that works.
    private const int Saturated = 3;

    public string Name => "load";

    public string Question => "What does a message cost the load tool, beside a client in C?";

    public TimeSpan Estimate(SuiteOptions options) =>
        Shape.Echo.Count * options.Rounds * TimeSpan.FromSeconds((2 * options.Seconds) + options.SettleSeconds + WarmUp(options) + 0.7);

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        if (MissingTool() is { } reason)
        {
            return $"\nSkipped: {reason}.\n";
        }

        StringBuilder report = new("\n");
        report.Append(CultureInfo.InvariantCulture, $"Both are closed loops on one thread, keep every connection busy, and compare every byte. `proto-load echo` is warmed up for {WarmUp(options):0.#} s before each window. ");
        report.Append("CPU is user + system time of the whole client process per message, the median over the rounds. ").Append(ReportText.Ratios(Limit));
        Verdict verdict = new();
        Peer server = PeerCatalog.Echo.First(peer => peer.Name == PeerCatalog.Limit);
        foreach (Shape shape in Shape.Echo)
        {
            await using ServerProcess target = await ServerProcess.StartAsync(server, options.Pin, cancellationToken);
            Contender[] contenders =
            [
                new(Limit, "peers/load.c", () => MeasureNativeAsync(target, shape, options, cancellationToken)),
                new(Ours, "**ours**, proto-load", () => MeasureToolAsync(target, shape, options, cancellationToken)),
            ];
            Rounds rounds = await Rounds.MeasureAsync(shape.Name, contenders, "message", Limit, options, cancellationToken);
            report.Append(CultureInfo.InvariantCulture, $"\n## {shape.Title}\n\n{rounds.ToTable()}");
            verdict.AddRatio($"client CPU per message, {shape.Title}", rounds, Ours, Limit, Goal);
        }

        return report.Append(verdict.ToChapter()).ToString();
    }

    private static string Assembly => SourceTree.At("tools", "ProtoServer.LoadTest", "bin", "Release", "net10.0", "proto-load.dll");

    private static string? MissingTool() => NativeBuild.MissingCompiler()
        ?? (File.Exists(Assembly) ? null : "tools/ProtoServer.LoadTest is not built in Release (dotnet build -c Release tools/ProtoServer.LoadTest)");

    private static double WarmUp(SuiteOptions options) => Math.Max(LeastWarmUpSeconds, options.WarmUpSeconds);

    private static async Task<Window> MeasureNativeAsync(ServerProcess target, Shape shape, SuiteOptions options, CancellationToken cancellationToken)
    {
        Window window = await LoadClient.MeasureAsync(target, shape, options, cancellationToken);
        return window with { CpuMicroseconds = window.ClientCpuMicroseconds!.Value, UserShare = null };
    }

    private static async Task<Window> MeasureToolAsync(ServerProcess target, Shape shape, SuiteOptions options, CancellationToken cancellationToken)
    {
        string json = Path.GetTempFileName();
        try
        {
            double warmUp = WarmUp(options);
            string[] command =
            [
                "dotnet", Assembly, "echo", $"127.0.0.1:{target.Port}", "--quiet", "--json", json,
                "--connections", $"{shape.Connections}", "--size", $"{shape.SizeBytes}", "--pipeline", $"{shape.Depth}",
                "--warmup", Seconds(warmUp), "--duration", Seconds(options.Seconds),
            ];
            await using ChildProcess client = ChildProcess.Start(command, options.Pin ? 1 : null);
            await client.ReadToEndAsync(cancellationToken, code => code is 0 or Saturated).WaitAsync(TimeSpan.FromSeconds(warmUp + options.Seconds + 30), cancellationToken);
            using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(json, cancellationToken));
            return Read(report.RootElement);
        }
        finally
        {
            File.Delete(json);
        }
    }

    private static Window Read(JsonElement report)
    {
        JsonElement raw = report.GetProperty("raw").GetProperty("percentilesMs");
        double seconds = report.GetProperty("elapsedSeconds").GetDouble();
        return new Window(
            report.GetProperty("achievedPerSecond").GetDouble() * seconds,
            seconds,
            report.GetProperty("generator").GetProperty("processCpuSeconds").GetDouble() * 1e6,
            UserShare: null,
            raw.GetProperty("p50").GetDouble() * 1000,
            raw.GetProperty("p99").GetDouble() * 1000);
    }

    private static string Seconds(double value) => string.Create(CultureInfo.InvariantCulture, $"{value * 1000:F0}ms");
}
