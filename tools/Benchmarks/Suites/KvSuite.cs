using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>The key-value sample beside redis-server, driven by redis-benchmark: CPU per operation, and durable writes per second.</summary>
internal sealed class KvSuite : ISuite
{
    // What an operation costs depends on how many share a system call. So many operations are about a second of work.
    private static readonly (int Pipeline, int Operations, double? Goal)[] _depths = [(1, 100_000, 0.8), (16, 400_000, 0.5), (64, 800_000, null)];
    private const int WarmUpOperations = 150_000;
    private static readonly string[] _operations = ["get", "set", "incr"];

    public string Name => "kv";

    public string Question => "What does a key-value operation cost beside redis-server?";

    // Counted in operations, not seconds: this is what they take on a small machine.
    public TimeSpan Estimate(SuiteOptions options) => (options.Rounds * TimeSpan.FromSeconds(options.IsQuick ? 22 : 42)) + TimeSpan.FromSeconds(40);

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        if (!IsInstalled("redis-server") || !IsInstalled("redis-benchmark"))
        {
            return "\nSkipped: redis-server and redis-benchmark are not installed (Debian packages redis-server and redis-tools).\n";
        }

        StringBuilder report = new("\n");
        report.Append(CultureInfo.InvariantCulture, $"Driven by {Tool.Output("redis-benchmark", "--version")}: 50 connections, 64-byte values, 10,000 keys. CPU is user + system time of the server process per operation. ");
        report.Append("Raw C is an epoll loop that sends a reply made beforehand for each request it counts: what the kernel asks of anybody, without parsing, looking up or storing. ");
        report.Append("A ratio is the median over the rounds of (one / the other in the same round), with the middle half of the rounds behind the first.\n\n");
        report.Append(await MeasureCostAsync(options, cancellationToken));
        report.Append("\n## Durable writes\n\nSET with 64 connections, 16 pipelined, each acknowledged after it is on the disk.\n\n");
        report.Append(await MeasureDurableAsync(options, cancellationToken));
        return report.ToString();
    }

    private static async Task<string> MeasureCostAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        await using Contender redis = await Contender.StartRedisAsync(cancellationToken);
        await using Contender ours = await Contender.StartOursAsync(cancellationToken);
        await using Contender? native = await Contender.StartNativeAsync(cancellationToken);
        Contender[] contenders = native is null ? [redis, ours] : [redis, ours, native];
        Console.WriteLine("warming up: about 20 s");
        foreach (Contender contender in new[] { redis, ours })
        {
            // The JIT's last tier is reached in these: it compiles anew what each depth finds hot.
            await BenchmarkAsync(contender, "get,set,incr", 300_000, 16, 50, cancellationToken);
            await BenchmarkAsync(contender, "get,set,incr", WarmUpOperations, 1, 50, cancellationToken);
        }

        MarkdownTable table = new("operation, pipelined", "redis-server, us", "ours, us", "ours / redis", "goal", "met", "raw C, us", "raw C / redis", "ours / raw C");
        foreach ((int pipeline, int operations, double? goal) in _depths)
        {
            int count = options.IsQuick ? operations / 2 : operations;
            foreach (string operation in _operations.Where(options.Wants))
            {
                List<(double Redis, double Ours, double? Native)> rounds = [];
                for (int round = 1; round <= options.Rounds; round++)
                {
                    Dictionary<Contender, double> costs = [];
                    foreach (Contender contender in Rounds.Order(contenders, round))
                    {
                        costs[contender] = await CostAsync(contender, operation, count, pipeline, cancellationToken);
                    }

                    (double reference, double measured) = (costs[redis], costs[ours]);
                    rounds.Add((reference, measured, native is null ? null : costs[native]));
                    Console.WriteLine($"{operation,-5} x{pipeline,-3} round {round}/{options.Rounds}  redis-server {reference,6:F2} us  ours {measured,6:F2} us  ratio {measured / reference:F2}");
                }

                double[] ratios = [.. rounds.Select(round => round.Ours / round.Redis)];
                table.Add(
                    $"{operation.ToUpperInvariant()}, {pipeline}",
                    Text(rounds.Select(round => round.Redis).Median()),
                    Text(rounds.Select(round => round.Ours).Median()),
                    Range(ratios),
                    goal is { } most ? $"at most {Text(most)}" : "-",
                    goal is { } limit ? Math.Round(ratios.Median(), 2) <= limit ? "yes" : "**no**" : "-",
                    Beside(round => round.Native!.Value),
                    Beside(round => round.Native!.Value / round.Redis),
                    Beside(round => round.Ours / round.Native!.Value));

                string Beside(Func<(double Redis, double Ours, double? Native), double> of) => native is null ? "-" : Text(rounds.Select(of).Median());
            }
        }

        return table.ToString();
    }

    private static async Task<string> MeasureDurableAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("bench-kv-").FullName;
        try
        {
            await using Contender redis = await Contender.StartRedisAsync(cancellationToken, "--appendonly", "yes", "--appendfsync", "always", "--dir", folder);
            await using Contender ours = await Contender.StartOursAsync(cancellationToken, "--data", Path.Combine(folder, "ours.db"), "--durability", "always");
            List<(double Redis, double Ours)> rounds = [];
            for (int round = 0; round <= options.Rounds; round++)
            {
                Dictionary<Contender, double> rates = [];
                foreach (Contender contender in Rounds.Order([redis, ours], round))
                {
                    rates[contender] = await BenchmarkAsync(contender, "set", 100_000, 16, 64, cancellationToken);
                }

                Console.WriteLine($"durable round {round}/{options.Rounds}  redis-server {rates[redis],9:N0}/s  ours {rates[ours],9:N0}/s");
                if (round > 0)
                {
                    rounds.Add((rates[redis], rates[ours]));
                }
            }

            double[] ratios = [.. rounds.Select(round => round.Ours / round.Redis)];
            MarkdownTable table = new("server", "SET per second");
            table.Add("redis-server, appendfsync always", rounds.Select(round => round.Redis).Median().ToString("N0", CultureInfo.InvariantCulture));
            table.Add("ours, durability always", rounds.Select(round => round.Ours).Median().ToString("N0", CultureInfo.InvariantCulture));
            table.Add("ours / redis, median over the rounds", Range(ratios));
            return table.ToString();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> CostAsync(Contender contender, string operation, int count, int pipeline, CancellationToken cancellationToken)
    {
        double before = contender.ReadCpuSeconds();
        await BenchmarkAsync(contender, operation, count, pipeline, 50, cancellationToken);
        return (contender.ReadCpuSeconds() - before) * 1e6 / count;
    }

    /// <summary>Returns requests per second of the last test named.</summary>
    private static async Task<double> BenchmarkAsync(Contender contender, string tests, int count, int pipeline, int connections, CancellationToken cancellationToken)
    {
        string[] command = ["redis-benchmark", "-p", $"{contender.Port}", "-t", tests, "-n", $"{count}", "-P", $"{pipeline}", "-c", $"{connections}", "-d", "64", "-r", "10000", "--csv"];
        await using ChildProcess process = ChildProcess.Start(command, null);
        string output = await process.ReadToEndAsync(cancellationToken);
        string last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        return double.Parse(last.Split(',')[1].Trim('"'), CultureInfo.InvariantCulture);
    }

    private static string Range(double[] ratios) => $"{Text(ratios.Median())} ({Text(ratios.Quantile(0.25))} to {Text(ratios.Quantile(0.75))})";

    private static string Text(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    private static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private sealed class Contender(ChildProcess process, int port) : IAsyncDisposable
    {
        private const double TicksPerSecond = 100; // USER_HZ, fixed for all that /proc tells

        public int Port { get; } = port;

        public static Task<Contender> StartOursAsync(CancellationToken cancellationToken, params string[] arguments)
        {
            string assembly = SourceTree.At("src", "samples", "KeyValue", "bin", "Release", "net10.0", "KeyValue.dll");
            return StartAsync(["dotnet", assembly, "--port", "0", "--log", "Warning", .. arguments], cancellationToken);
        }

        public static async Task<Contender> StartRedisAsync(CancellationToken cancellationToken, params string[] arguments)
        {
            // Redis cannot pick a port itself.
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            int port = ((IPEndPoint)probe.LocalEndPoint!).Port;
            probe.Close();
            ChildProcess process = ChildProcess.Start(["redis-server", "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", .. arguments], null);
            while (await process.Output.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
                {
                    return new Contender(process, port);
                }
            }

            throw new InvalidOperationException($"redis-server did not start: {await process.ErrorsAsync()}");
        }

        /// <summary>Null where there is no C compiler.</summary>
        public static async Task<Contender?> StartNativeAsync(CancellationToken cancellationToken) =>
            NativeBuild.MissingCompiler() is null ? await StartAsync([NativeBuild.Compile("raw_resp.c"), "0"], cancellationToken) : null;

        // One that says "listening on HOST:PORT" first.
        private static async Task<Contender> StartAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
        {
            ChildProcess process = ChildProcess.Start(command, null);
            string line = await process.Output.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException(await process.ErrorsAsync());
            return new Contender(process, int.Parse(line[(line.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture));
        }

        /// <summary>User and system time so far.</summary>
        public double ReadCpuSeconds()
        {
            string stat = File.ReadAllText($"/proc/{process.Id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }

        public ValueTask DisposeAsync() => process.DisposeAsync();
    }
}
