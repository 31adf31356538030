using System.Globalization;
using Benchmarks.Running;

namespace Benchmarks.Suites;

/// <summary>Goals beside what was measured, met or not.</summary>
internal sealed class Verdict
{
    private readonly MarkdownTable _table = new("goal", "measured", "at most", "met");

    /// <summary>A median ratio; nothing is added when either side was not measured.</summary>
    public void AddRatio(string what, Rounds rounds, string contender, string to, double atMost)
    {
        if (rounds.Ratios(contender, to) is { } ratios)
        {
            Add($"{what}: {contender} / {to}", ratios.Median(), atMost, "F2");
        }
    }

    public void Add(string what, double measured, double atMost, string format) => _table.Add(
        what,
        measured.ToString(format, CultureInfo.InvariantCulture),
        atMost.ToString(format, CultureInfo.InvariantCulture),
        Math.Round(measured, 2) <= atMost ? "yes" : "**no**");

    /// <summary>A chapter of the report; empty without a goal.</summary>
    public string ToChapter() => _table.IsEmpty ? "" : $"\n## Goals\n\n{_table}";
}
