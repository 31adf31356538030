using System.CommandLine;
using Benchmarks.Running;
using Benchmarks.Servers;
using Benchmarks.Suites;

namespace Benchmarks;

/// <summary>The bench: <c>tools/bench SUITE</c>. Each suite is one file; each peer one entry in <see cref="PeerCatalog"/>.</summary>
internal static class Program
{
    private static readonly ISuite[] _suites = [new EchoSuite(), new KvSuite()];

    private static async Task<int> Main(string[] args)
    {
        RootCommand root = new("Measures ProtoServer beside its peers, interleaved, and writes tools/Benchmarks/results/SUITE.md.");
        foreach (ISuite suite in _suites)
        {
            root.Add(CommandFor(suite));
        }

        root.Add(ServeCommand());
        return await root.Parse(args).InvokeAsync();
    }

    private static Command CommandFor(ISuite suite)
    {
        Option<int> rounds = new("--rounds") { Description = "Windows per peer and shape; the median counts.", DefaultValueFactory = _ => 5 };
        Option<double> seconds = new("--seconds") { Description = "Length of a window.", DefaultValueFactory = _ => 3 };
        Option<double> warmUp = new("--warm-up") { Description = "Seconds of load before a server's first window.", DefaultValueFactory = _ => 3 };
        Option<string[]> only = new("--only") { Description = "Peers to measure, by name.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        Option<bool> quick = new("--quick") { Description = "One round of one second: a smoke test, not a measurement." };
        Option<bool> pin = new("--pin") { Description = "Server on core 0, client on core 1." };
        Option<string?> output = new("--out") { Description = "Where the report goes. Default: results/SUITE.md for a full run, nowhere with --only or --quick." };
        Command command = new(suite.Name, suite.Question) { rounds, seconds, warmUp, only, quick, pin, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            bool isQuick = parsed.GetValue(quick);
            string[] names = parsed.GetValue(only)!;
            SuiteOptions options = new(
                isQuick ? 1 : parsed.GetValue(rounds),
                isQuick ? 1 : parsed.GetValue(seconds),
                isQuick ? 1 : parsed.GetValue(warmUp),
                names,
                parsed.GetValue(pin),
                $"tools/bench {string.Join(' ', parsed.Tokens.Select(token => token.Value))}");
            string? path = parsed.GetValue(output)
                ?? (isQuick || names.Length > 0 ? null : SourceTree.At("tools", "Benchmarks", "results", suite.Name + ".md"));
            return await RunAsync(suite, options, path, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(ISuite suite, SuiteOptions options, string? path, CancellationToken cancellationToken)
    {
        try
        {
            string body = await suite.RunAsync(options, cancellationToken);
            string report = $"# {suite.Question}\n\n{Machine.Describe(options)}\n\n{body}";
            Console.WriteLine();
            Console.WriteLine(report);
            if (path is not null)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
                await File.WriteAllTextAsync(path, report, cancellationToken);
                Console.WriteLine($"written to {Path.GetRelativePath(SourceTree.Root, path)}");
            }

            return 0;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("interrupted: nothing written");
            return 130;
        }
        catch (InvalidOperationException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }
        finally
        {
            ChildProcess.KillAll();
        }
    }

    private static Command ServeCommand()
    {
        Option<int> port = new("--port") { Description = "0 picks a free one.", DefaultValueFactory = _ => 0 };
        Command serve = new("serve", "Runs one of the C# peers; the bench starts them so.") { Hidden = true };
        AddServer("kestrel", KestrelEcho.RunAsync);
        AddServer("socket", SocketEcho.RunAsync);
        return serve;

        void AddServer(string name, Func<int, Task> run)
        {
            Command command = new(name) { port };
            command.SetAction(parsed => run(parsed.GetValue(port)));
            serve.Add(command);
        }
    }
}
