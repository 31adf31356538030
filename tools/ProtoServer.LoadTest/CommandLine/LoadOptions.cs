using System.CommandLine;
using System.Globalization;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>The options that every scenario has: load, output, judgement.</summary>
internal sealed class LoadOptions
{
    private readonly Argument<Target> _target = ParsedOption.Target();
    private readonly Option<long?> _connections = ParsedOption.Count("--connections", "Connections in all. Default 50.", "-c");
    private readonly Option<long?> _threads = ParsedOption.Count("--threads", "Event loops, one thread each. Default 1.", "-t");
    private readonly Option<TimeSpan?> _duration = ParsedOption.Duration("--duration", "How long is measured. Default 30s, unless --requests is given.", "-d");
    private readonly Option<long?> _requests = ParsedOption.Count("--requests", "How many requests are sent; with --duration, whichever ends first.", "-n");
    private readonly Option<double?> _rate = ParsedOption.Rate("--rate", "Open loop: this many requests per second in all, whatever the server does. Default: closed loop, as fast as replies come.", "-r");
    private readonly Option<IReadOnlyList<RampStage>?> _ramp = ParsedOption.Ramp("--ramp", "Open loop in stages: 100:10s,1000@30s goes to 100/s within 10 s, then stays at 1000/s for 30 s.");
    private readonly Option<long?> _pipeline = ParsedOption.Count("--pipeline", "Requests that a connection may have in flight. Default 1.", "-P");
    private readonly Option<TimeSpan?> _warmup = ParsedOption.Duration("--warmup", "Load before the measurement begins, left out of it. Default 2s; 0s with --requests or --ramp.");
    private readonly Option<double?> _connectRate = ParsedOption.Rate("--connect-rate", "New connections per second in all. Default: as fast as they come.");
    private readonly Option<TimeSpan?> _connectTimeout = ParsedOption.Duration("--connect-timeout", "Longest connect. Default 5s.");
    private readonly Option<TimeSpan?> _timeout = ParsedOption.Duration("--timeout", "Longest wait for a reply; then the request is lost, and its connection is replaced. Default 5s.");
    private readonly Option<TimeSpan?> _grace = ParsedOption.Duration("--grace", "How long the end waits for replies that are still out. Default 2s.");
    private readonly Option<int?> _seed = new("--seed") { HelpName = "N", Description = "Same seed, same messages. Default 1." };
    private readonly Option<string?> _percentiles = new("--percentiles") { HelpName = "LIST", Description = "Percentiles to report. Default 50,90,99,99.9,99.99." };
    private readonly Option<string?> _json = new("--json") { HelpName = "FILE", Description = "Write the whole report as JSON." };
    private readonly Option<string?> _csv = new("--csv") { HelpName = "FILE", Description = "Write the time series as CSV." };
    private readonly Option<string?> _html = new("--html") { HelpName = "FILE", Description = "Write a page with plots; one file that needs nothing else." };
    private readonly Option<string?> _hgrm = new("--hgrm") { HelpName = "FILE", Description = "Write the corrected distribution for HdrHistogram's plotters, and the raw one beside it (.raw)." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "No progress, only the summary." };
    private readonly Option<bool> _noTui = new("--no-tui") { Description = "A plain line a second, also on a terminal." };
    private readonly Option<string[]> _failIf = new("--fail-if") { HelpName = "CONDITION", Description = "Exit 99 when this holds: 'p99>5ms', 'lost>0', 'rate<0.99'. May be repeated." };
    private readonly Option<string?> _findMax = new("--find-max") { HelpName = "GOAL", Description = "Search for the highest rate at which this holds: 'p99<5ms'. Each step lasts --duration, default 5s." };

    /// <summary>Adds them to a scenario's command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_target);
        foreach (Option option in (Option[])[_connections, _threads, _duration, _requests, _rate, _ramp, _pipeline, _warmup, _connectRate, _connectTimeout, _timeout, _grace, _seed,
            _json, _csv, _html, _hgrm, _percentiles, _quiet, _noTui, _failIf, _findMax])
        {
            command.Add(option);
        }
    }

    public int Seed(ParseResult arguments) => arguments.GetValue(_seed) ?? 1;

    public int Connections(ParseResult arguments) => (int)(arguments.GetValue(_connections) ?? 50);

    /// <summary>The plan that the arguments describe.</summary>
    /// <exception cref="FormatException">They contradict each other, or leave the range of what is possible; the message says how.</exception>
    public LoadPlan Plan(ParseResult arguments, Scenario scenario, IDialogueSource? content, int requestsPerConnection)
    {
        long connections = InRange("--connections", arguments.GetValue(_connections) ?? 50, 1_000_000);
        long threads = InRange("--threads", arguments.GetValue(_threads) ?? 1, 256);
        long pipeline = InRange("--pipeline", arguments.GetValue(_pipeline) ?? 1, 65_536);
        long? requests = arguments.GetValue(_requests);
        double? rate = arguments.GetValue(_rate);
        IReadOnlyList<RampStage> ramp = arguments.GetValue(_ramp) ?? [];
        TimeSpan? duration = arguments.GetValue(_duration);
        bool findMax = arguments.GetValue(_findMax) is not null;
        Reject(threads > connections, "--threads: there cannot be more loops than connections.");
        Reject(rate is not null && ramp.Count > 0, "--rate and --ramp: give one of them; a ramp stays at a rate with 1000@30s.");
        Reject(ramp.Count > 0 && duration is not null, "--duration and --ramp: a ramp's stages say how long it lasts.");
        Reject(findMax && (ramp.Count > 0 || requests is not null), "--find-max: the search chooses rate and duration itself; --rate says where it begins, --duration how long each step is.");
        Reject(content is null && (rate is not null || ramp.Count > 0 || requests is not null || findMax), "idle: nothing is sent, so there is no --rate, --ramp, --requests or --find-max.");
        Reject(duration == TimeSpan.Zero, "--duration: more than zero is needed.");
        TimeSpan connectTimeout = arguments.GetValue(_connectTimeout) ?? TimeSpan.FromSeconds(5);
        TimeSpan timeout = arguments.GetValue(_timeout) ?? TimeSpan.FromSeconds(5);
        Reject(connectTimeout <= TimeSpan.Zero || timeout <= TimeSpan.Zero, "--timeout and --connect-timeout: more than zero is needed.");
        bool counted = requests is not null && duration is null;
        TimeSpan defaultLength = TimeSpan.FromSeconds(findMax ? 5 : 30);
        TimeSpan defaultWarmup = counted || ramp.Count > 0 || content is null ? TimeSpan.Zero : TimeSpan.FromSeconds(findMax ? 1 : 2);
        TimeSpan warmup = arguments.GetValue(_warmup) ?? (requests is not null ? TimeSpan.Zero : defaultWarmup);
        Reject(requests is not null && warmup > TimeSpan.Zero, "--warmup and --requests: requests are counted from the first one, so there is no warm-up.");
        return new LoadPlan
        {
            Scenario = scenario,
            Target = arguments.GetValue(_target)!,
            Content = content,
            Connections = (int)connections,
            Threads = (int)threads,
            Pipeline = (int)pipeline,
            RequestsPerConnection = requestsPerConnection,
            Duration = counted ? null : ramp.Count > 0 ? TimeSpan.FromSeconds(ramp.Sum(stage => stage.Duration.TotalSeconds)) : duration ?? defaultLength,
            Requests = requests,
            Rate = rate,
            Ramp = ramp,
            Warmup = warmup,
            ConnectRate = arguments.GetValue(_connectRate),
            ConnectTimeout = connectTimeout,
            Timeout = timeout,
            Grace = arguments.GetValue(_grace) ?? TimeSpan.FromSeconds(2),
            Seed = Seed(arguments),
        };
    }

    /// <summary>What is done with the figures.</summary>
    /// <exception cref="FormatException">A condition or a percentile cannot be read.</exception>
    public OutputPlan Output(ParseResult arguments) => new()
    {
        Json = arguments.GetValue(_json),
        Csv = arguments.GetValue(_csv),
        Html = arguments.GetValue(_html),
        Hgrm = arguments.GetValue(_hgrm),
        Quiet = arguments.GetValue(_quiet),
        Plain = arguments.GetValue(_noTui),
        Percentiles = Percentiles(arguments.GetValue(_percentiles)),
        FailIf = [.. (arguments.GetValue(_failIf) ?? []).Select(Condition.Parse)],
        FindMax = arguments.GetValue(_findMax) is { } goal ? Condition.Parse(goal) : null,
        Command = "proto-load " + string.Join(' ', arguments.Tokens.Select(token => token.Value.Contains(' ') ? $"'{token.Value}'" : token.Value)),
    };

    private static IReadOnlyList<double> Percentiles(string? list)
    {
        if (list is null)
        {
            return ReportBuilder.DefaultPercentiles;
        }
        List<double> percentiles = [];
        foreach (string part in list.Split(',', StringSplitOptions.TrimEntries))
        {
            bool good = double.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percentile) && percentile is > 0 and <= 100;
            Reject(!good, $"--percentiles: '{part}' is not a number above 0 and up to 100.");
            percentiles.Add(percentile);
        }
        return [.. percentiles.Distinct().Order()];
    }

    private static long InRange(string name, long value, long most)
    {
        Reject(value > most, $"{name}: at most {Quantity.Count(most)}.");
        return value;
    }

    private static void Reject(bool condition, string message)
    {
        if (condition)
        {
            throw new FormatException(message);
        }
    }
}
