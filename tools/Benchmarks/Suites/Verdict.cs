using System.Globalization;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>The goals of docs/DESIGN.md beside what was measured, met or not.</summary>
internal sealed class Verdict
{
    private const double RawGoal = 1.05;
    private const double LineGoal = 1.15;
    private const double KestrelGoal = 0.42;
    private const double IdleBytesGoal = 700;

    private readonly MarkdownTable _table = new("goal", "measured", "at most", "met");

    public bool IsEmpty => _table.IsEmpty;

    public void Add(Shape shape, Rounds rounds)
    {
        AddRatio(shape, rounds, "ours-raw", PeerCatalog.Limit, RawGoal);
        AddRatio(shape, rounds, "ours-line", PeerCatalog.Limit, LineGoal);
        AddRatio(shape, rounds, "ours-raw", "kestrel", KestrelGoal);
    }

    public void AddIdle(IReadOnlyDictionary<string, double> bytes)
    {
        if (bytes.TryGetValue("ours-raw", out double measured))
        {
            AddRow("bytes per idle connection, ours-raw", measured, IdleBytesGoal, "F0");
        }
    }

    public string ToTable() => _table.ToString();

    private void AddRatio(Shape shape, Rounds rounds, string peer, string reference, double goal)
    {
        if (rounds.Ratios(peer, reference) is { } ratios)
        {
            AddRow($"CPU per message, {shape.Title}: {peer} / {reference}", ratios.Median(), goal, "F2");
        }
    }

    private void AddRow(string what, double measured, double goal, string format) => _table.Add(
        what,
        measured.ToString(format, CultureInfo.InvariantCulture),
        goal.ToString(format, CultureInfo.InvariantCulture),
        Math.Round(measured, 2) <= goal ? "yes" : "**no**");
}
