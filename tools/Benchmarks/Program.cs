using System.CommandLine;
using Benchmarks.Probes;
using Benchmarks.Servers;
using Benchmarks.Suites;

namespace Benchmarks;

/// <summary>The bench: <c>tools/bench SUITE</c>. Each suite is one file; each peer one entry in <see cref="Running.PeerCatalog"/>.</summary>
internal static class Program
{
    private static readonly ISuite[] _suites =
        [new EchoSuite(), new ChurnSuite(), new ScalingSuite(), new LoopsSuite(), new LoadSuite(), new TimersSuite(), new CallsSuite(), new KvSuite()];

    private static async Task<int> Main(string[] args)
    {
        RootCommand root = new("Measures ProtoServer beside its peers, interleaved, and writes tools/Benchmarks/results/SUITE.md.");
        foreach (ISuite suite in _suites)
        {
            root.Add(new SuiteCommand(suite.Name, suite.Question, [suite]));
        }

        root.Add(new SuiteCommand("all", "Every suite in turn.", _suites));
        root.Add(ServeCommand());
        root.Add(ProbeCommand());
        return await root.Parse(args).InvokeAsync();
    }

    private static Command ServeCommand()
    {
        Option<int> port = new("--port") { Description = "0 picks a free one.", DefaultValueFactory = _ => 0 };
        Command serve = new("serve", "Runs one of the C# peers; the bench starts them so.") { Hidden = true };
        AddServer("kestrel", KestrelEcho.RunAsync);
        AddServer("socket", SocketEcho.RunAsync);
        AddServer("dotnetty", DotNettyEcho.RunAsync);

        Option<int> loops = new("--loops") { DefaultValueFactory = _ => 2 };
        Option<bool> sharedSocket = new("--shared-socket");
        Command spread = new("spread") { loops, sharedSocket };
        spread.SetAction(parsed => SpreadServer.Run(parsed.GetValue(loops), parsed.GetValue(sharedSocket)));
        serve.Add(spread);
        return serve;

        void AddServer(string name, Func<int, Task> run)
        {
            Command command = new(name) { port };
            command.SetAction(parsed => run(parsed.GetValue(port)));
            serve.Add(command);
        }
    }

    private static Command ProbeCommand()
    {
        Argument<string> work = new("work");
        work.AcceptOnlyFromAmong([.. Probe.Works.Keys]);
        Command probe = new("probe", "Does one kind of work inside this process; the bench starts them so.") { work };
        probe.Hidden = true;
        probe.SetAction(parsed => Probe.Run(Probe.Works[parsed.GetValue(work)!]));
        return probe;
    }
}
