using System.CommandLine;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;
using ProtoServer.LoadTest.Servers;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>The command line: scenarios, <c>compare</c>, and <c>--serve</c>.</summary>
internal static class ProtoLoadCommand
{
    /// <summary>Parses and runs.</summary>
    /// <param name="arguments">As typed.</param>
    /// <param name="output">Where progress and summary go.</param>
    /// <param name="error">Where complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static Task<int> InvokeAsync(string[] arguments, TextWriter output, TextWriter error, CancellationToken interrupt = default)
    {
        ParseResult parsed = Create().Parse(arguments);
        var configuration = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            // An interrupted run still writes its report.
            ProcessTerminationTimeout = TimeSpan.FromSeconds(10),
        };
        return parsed.InvokeAsync(configuration, interrupt);
    }

    private static RootCommand Create()
    {
        var root = new RootCommand("Load-tests TCP and unix-socket servers: verifies every reply, measures from the time at which a request was due, and says when it was itself the bottleneck.");
        var load = new LoadOptions();
        var content = new ContentOptions();
        root.Add(ScenarioCommand(load, "echo", "Send messages and expect each back, byte by byte.", Scenario.Echo, content.AddEcho,
            arguments => content.Echo(arguments, load.Seed(arguments))));
        root.Add(ScenarioCommand(load, "kv", "SET and GET over RESP; every value proves that it belongs to its key.", Scenario.Kv, content.AddKv,
            arguments => content.Kv(arguments, load.Seed(arguments), load.Connections(arguments))));
        root.Add(ScenarioCommand(load, "raw", "Any message, any reply: a template, and a rule for what a reply is.", Scenario.Raw, content.AddRaw,
            arguments => content.Raw(arguments, load.Seed(arguments))));
        root.Add(ScenarioCommand(load, "idle", "Open connections and hold them.", Scenario.Idle, static _ => { }, static _ => null));
        root.Add(ScenarioCommand(load, "churn", "Connect, ask, close, again.", Scenario.Churn, content.AddChurn,
            arguments => content.Echo(arguments, load.Seed(arguments)), content.RequestsPerConnection));
        root.Add(CompareCommand());
        AddServing(root);
        return root;
    }

    private static Command ScenarioCommand(LoadOptions load, string name, string description, Scenario scenario, Action<Command> addContent,
        Func<ParseResult, IDialogueSource?> content, Func<ParseResult, int>? requestsPerConnection = null)
    {
        var command = new Command(name, description);
        load.AddTo(command);
        addContent(command);
        command.SetAction(async (arguments, interrupt) =>
        {
            try
            {
                LoadPlan plan = load.Plan(arguments, scenario, content(arguments), requestsPerConnection?.Invoke(arguments) ?? 0);
                var session = new LoadSession(plan, load.Output(arguments), arguments.InvocationConfiguration.Output, arguments.InvocationConfiguration.Error);
                return await session.RunAsync(interrupt).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
            {
                return Complain(arguments, exception);
            }
        });
        return command;
    }

    private static Command CompareCommand()
    {
        var before = new Argument<string>("BEFORE") { Description = "A report written with --json." };
        var after = new Argument<string>("AFTER") { Description = "Another one." };
        var tolerance = new Option<string?>("--tolerance") { HelpName = "PERCENT", Description = "How much worse a figure may be. Default 10%." };
        var command = new Command("compare", "Compare two reports; exit 99 when the second is worse.") { before, after, tolerance };
        command.SetAction(arguments =>
        {
            try
            {
                double allowed = Comparison.ParseTolerance(arguments.GetValue(tolerance) ?? "10%");
                var comparison = new Comparison(JsonReport.Read(arguments.GetValue(before)!), JsonReport.Read(arguments.GetValue(after)!), allowed);
                arguments.InvocationConfiguration.Output.Write(comparison.Write());
                return comparison.IsWorse ? ExitCode.ThresholdBroken : ExitCode.Good;
            }
            catch (Exception exception) when (exception is FormatException or IOException or InvalidDataException or UnauthorizedAccessException)
            {
                return Complain(arguments, exception);
            }
        });
        return command;
    }

    private static void AddServing(RootCommand root)
    {
        var serve = new Option<ServeMode?>("--serve") { HelpName = "echo|sink|stall|flip|drop", Description = "Be a test server instead: a good one, or one with a known fault." };
        var listen = ParsedOption.Target("--listen", "Where the test server listens; port 0 picks one. Default 127.0.0.1:7000.");
        var every = ParsedOption.Count("--every", "flip: one byte in so many, default 1m. drop: one reply in so many, default 100k.");
        var stallAfter = ParsedOption.Duration("--stall-after", "stall: so long after the first bytes. Default 5s.");
        var stallFor = ParsedOption.Duration("--stall-for", "stall: so long. Default 1s.");
        var messageBytes = ParsedOption.Count("--message-bytes", "drop: a message is so many bytes. Default: a line.");
        foreach (Option option in (Option[])[serve, listen, every, stallAfter, stallFor, messageBytes])
        {
            root.Add(option);
        }
        root.SetAction(arguments =>
        {
            if (arguments.GetValue(serve) is not { } mode)
            {
                arguments.InvocationConfiguration.Error.WriteLine("Name a scenario, as in: proto-load echo 127.0.0.1:7000. --help lists them.");
                return ExitCode.Usage;
            }
            var faults = new FaultPlan
            {
                Mode = mode,
                Every = arguments.GetValue(every) ?? (mode == ServeMode.Drop ? 100_000 : 1_000_000),
                StallAfter = arguments.GetValue(stallAfter) ?? TimeSpan.FromSeconds(5),
                StallFor = arguments.GetValue(stallFor) ?? TimeSpan.FromSeconds(1),
                MessageBytes = (int)Math.Min(int.MaxValue, arguments.GetValue(messageBytes) ?? 0),
            };
            return TestServer.Run(faults, arguments.GetValue(listen) ?? new Target("127.0.0.1", 7000, null), arguments.InvocationConfiguration.Output, arguments.InvocationConfiguration.Error);
        });
    }

    private static int Complain(ParseResult arguments, Exception exception)
    {
        arguments.InvocationConfiguration.Error.WriteLine(exception.Message);
        return ExitCode.Usage;
    }
}
