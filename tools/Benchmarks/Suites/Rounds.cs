using System.Globalization;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>The windows of one comparison: one list per contender, one entry per round.</summary>
/// <param name="contenders">In the order of the table.</param>
/// <param name="unit">What an operation is called.</param>
/// <param name="reference">The contender that every ratio is relative to.</param>
internal sealed class Rounds(IReadOnlyList<Contender> contenders, string unit, string reference)
{
    private readonly Dictionary<string, List<Window>> _windows = contenders.ToDictionary(contender => contender.Name, _ => new List<Window>());

    /// <summary>Measures all contenders, interleaved, and tells each window on standard output.</summary>
    public static async Task<Rounds> MeasureAsync(
        string label, IReadOnlyList<Contender> contenders, string unit, string reference, SuiteOptions options, CancellationToken cancellationToken)
    {
        var rounds = new Rounds(contenders, unit, reference);
        for (int round = 1; round <= options.Rounds; round++)
        {
            foreach (Contender contender in Order(contenders, round))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Window window = await contender.Measure();
                rounds.Add(contender.Name, window);
                string latency = window.P99Microseconds is { } p99 ? $"  p99 {p99 / 1000,6:F2} ms" : "";
                Console.WriteLine($"{label,-14} round {round,2}/{options.Rounds}  {contender.Name,-10} {window.CpuPerOperation,8:F3} us/{unit} {window.Rate,11:N0}/s{latency}");
            }
        }

        return rounds;
    }

    /// <summary>Every other round backwards: what drifts within a round favours nobody.</summary>
    public static IEnumerable<T> Order<T>(IReadOnlyList<T> items, int round) => round % 2 == 1 ? items : items.Reverse();

    public void Add(string contender, Window window) => _windows[contender].Add(window);

    /// <summary>CPU per operation of one contender relative to another, round by round; null when either was not measured.</summary>
    public IReadOnlyList<double>? Ratios(string contender, string to) =>
        _windows.TryGetValue(contender, out List<Window>? measured) && _windows.TryGetValue(to, out List<Window>? limit)
            ? [.. measured.Zip(limit, (ours, theirs) => ours.CpuPerOperation / theirs.CpuPerOperation)]
            : null;

    /// <summary>The median of <see cref="Ratios"/> to the reference; null when either was not measured.</summary>
    public double? Ratio(string contender) => Ratios(contender, reference)?.Median();

    /// <summary>The median CPU time per operation, in microseconds; null when it was not measured.</summary>
    public double? Cost(string contender) => _windows.TryGetValue(contender, out List<Window>? windows) ? windows.Select(window => window.CpuPerOperation).Median() : null;

    public string ToTable()
    {
        Window[] all = [.. _windows.Values.SelectMany(windows => windows)];
        bool hasShares = all.Any(window => window.UserShare is not null);
        bool hasLatencies = all.Any(window => window.P99Microseconds is not null);
        MarkdownTable table = new(
        [
            "", $"CPU µs/{unit}", .. hasShares ? (string[])["user + system"] : [], $"ratio to {reference}", "middle half", $"{unit}s/s", .. hasLatencies ? (string[])["p50 ms", "p99 ms"] : [],
        ]);
        foreach (Contender contender in contenders)
        {
            List<Window> windows = _windows[contender.Name];
            IReadOnlyList<double>? ratios = Ratios(contender.Name, reference);
            double cost = Cost(contender.Name)!.Value;
            table.Add(
            [
                contender.Title,
                Number(cost, "F3"),
                .. hasShares ? (string[])[Split(windows, cost)] : [],
                ratios is null ? "-" : Number(ratios.Median(), "F2"),
                ratios is null ? "-" : $"{Number(ratios.Quantile(0.25), "F2")} - {Number(ratios.Quantile(0.75), "F2")}",
                Number(windows.Select(window => window.Rate).Median(), "N0"),
                .. hasLatencies ? (string[])[Milliseconds(windows, window => window.P50Microseconds), Milliseconds(windows, window => window.P99Microseconds)] : [],
            ]);
        }

        return table.ToString();
    }

    // The kernel counts the parts in ticks of 10 ms: only the sum over all rounds says something.
    private static string Split(List<Window> windows, double cost)
    {
        double user = windows.Sum(window => window.CpuMicroseconds * (window.UserShare ?? 0)) / windows.Sum(window => window.CpuMicroseconds);
        return $"{Number(cost * user, "F2")} + {Number(cost * (1 - user), "F2")}";
    }

    private static string Milliseconds(List<Window> windows, Func<Window, double?> microseconds)
    {
        double[] measured = [.. windows.Select(microseconds).OfType<double>()];
        return measured.Length == 0 ? "-" : Number(measured.Median() / 1000, "F2");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
