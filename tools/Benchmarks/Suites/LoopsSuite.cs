using System.Globalization;
using System.Text;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Server CPU per message with one loop and with two, and how connections spread over loops.</summary>
internal sealed class LoopsSuite : ISuite
{
    private const double Goal = 1.1;
    private const int SpreadConnections = 1000;
    private const int SpreadTrials = 20;

    // Flat out, client and loops compete for the cores; at a rate that leaves them room they do not, but each loop wakes for its own share.
    private static readonly Shape[] _shapes =
    [
        .. Shape.Echo.Where(shape => shape.Depth == 1),
        new("64x1k, paced", "64 connections x 1 KiB, 20,000 messages/s", 64, 1024, 1, 20_000),
    ];

    public string Name => "loops";

    public string Question => "Does a message cost more with two loops than with one, and how do connections spread over the loops?";

    public TimeSpan Estimate(SuiteOptions options) => options.EstimateServers(options.Count(PeerCatalog.Loops), _shapes.Length) + TimeSpan.FromSeconds(20);

    public async Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        var selection = PeerSelection.Of(PeerCatalog.Loops, options);
        StringBuilder report = new(selection.Remarks);
        report.Append(ReportText.Servers("message"));
        report.Append("Two pollers find fewer connections ready each time, and on a machine with two cores they and the client get in each other's way, whoever they belong to. ");
        report.Append("So the same load goes to two processes of one loop each as well: what two loops cost beyond that is what they cost each other. Raw C shows what of it is the kernel's.\n");
        Verdict verdict = new();
        foreach (Shape shape in _shapes)
        {
            await using ServerFleet servers = await ServerFleet.StartAsync(selection.Peers, options, cancellationToken);
            Rounds rounds = await Rounds.MeasureAsync(
                shape.Name, servers.Contenders(server => LoadClient.MeasureAsync(server, shape, options, cancellationToken)), "message", "c-1", options, cancellationToken);
            report.Append(CultureInfo.InvariantCulture, $"\n## {shape.Title}\n\n{rounds.ToTable()}");
            verdict.AddRatio($"CPU per message, {shape.Title}", rounds, "ours-2", "ours-1", Goal);
            verdict.AddRatio($"the same beside two processes, {shape.Title}", rounds, "ours-2", "ours-1x2", Goal);
            if (rounds.Ratios("c-2", "c-1") is { } native && rounds.Ratios("ours-2", "c-2") is { } ours)
            {
                report.Append(CultureInfo.InvariantCulture, $"\nTwo threads of raw C cost {native.Median():F2} of one; two loops of ours cost {ours.Median():F2} of two threads of raw C.\n");
            }
        }

        report.Append(await SpreadAsync(cancellationToken));
        return report.Append(verdict.ToChapter()).ToString();
    }

    private static async Task<string> SpreadAsync(CancellationToken cancellationToken)
    {
        MarkdownTable table = new("listening", "loops", "even share", "fewest on a loop", "most on a loop", "fewest, median trial", "most, median trial");
        foreach (int loops in new[] { 2, 4 })
        {
            foreach (bool sharedSocket in new[] { false, true })
            {
                (int Fewest, int Most)[] trials = await SpreadAsync(loops, sharedSocket, cancellationToken);
                string how = sharedSocket ? "one shared socket" : "a socket per loop (SO_REUSEPORT)";
                Console.WriteLine($"spread         {loops} loops, {how}: {trials.Min(trial => trial.Fewest)} to {trials.Max(trial => trial.Most)} of {SpreadConnections}");
                table.Add(
                    how,
                    $"{loops}",
                    $"{SpreadConnections / loops}",
                    $"{trials.Min(trial => trial.Fewest)}",
                    $"{trials.Max(trial => trial.Most)}",
                    trials.Select(trial => (double)trial.Fewest).Median().ToString("F0", CultureInfo.InvariantCulture),
                    trials.Select(trial => (double)trial.Most).Median().ToString("F0", CultureInfo.InvariantCulture));
            }
        }

        return $"""

            ## How {SpreadConnections} connections spread

            Connections per loop in {SpreadTrials} trials; a client opens them one after the other. With a socket per loop the kernel picks by a hash of addresses and ports; at one shared socket the loop that wakes
            first takes what waits.

            {table}
            """;
    }

    private static async Task<(int Fewest, int Most)[]> SpreadAsync(int loops, bool sharedSocket, CancellationToken cancellationToken)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(PeerCatalog.Spread(loops, sharedSocket), pin: false, cancellationToken);
        var trials = new (int Fewest, int Most)[SpreadTrials];
        for (int trial = 0; trial < trials.Length; trial++)
        {
            await using ChildProcess client = await LoadClient.HoldAsync(server, SpreadConnections, cancellationToken);
            int[] accepted = [.. (await server.AskAsync("accepted", cancellationToken)).Split(' ').Select(count => int.Parse(count, CultureInfo.InvariantCulture))];
            trials[trial] = (accepted.Min(), accepted.Max());
        }

        return trials;
    }
}
