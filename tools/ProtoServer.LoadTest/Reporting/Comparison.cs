using System.Globalization;
using System.Text;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>Two reports side by side, and whether the second is worse.</summary>
/// <remarks>Judged are the rate, the corrected percentiles that both have, and errors. Maximum and mean are shown, not judged: one request can move them.</remarks>
internal sealed class Comparison
{
    // Below this a difference is the clock's and the scheduler's, not the server's.
    private const double NoiseMs = 0.05;

    private readonly List<Row> _rows = [];
    private readonly List<string> _notes = [];
    private readonly double _tolerance;

    public Comparison(RunReport before, RunReport after, double tolerance)
    {
        _tolerance = tolerance;
        double rate = Change(before.AchievedPerSecond, after.AchievedPerSecond);
        _rows.Add(new Row("rate", Quantity.Rate(before.AchievedPerSecond), Quantity.Rate(after.AchievedPerSecond), rate, rate < -tolerance));
        foreach ((string name, double was) in before.Corrected.Percentiles)
        {
            if (after.Corrected.Percentiles.TryGetValue(name, out double now))
            {
                double change = Change(was, now);
                _rows.Add(new Row(name, Quantity.Duration(was), Quantity.Duration(now), change, change > tolerance && now - was > NoiseMs));
            }
        }
        AddShown("mean", before.Corrected.MeanMs, after.Corrected.MeanMs);
        AddShown("max", before.Corrected.MaxMs, after.Corrected.MaxMs);
        AddErrors("wrong", before, after, counts => counts.Wrong + counts.StrayReplies);
        AddErrors("lost", before, after, counts => counts.Lost);
        AddErrors("errors", before, after, counts => counts.Errors);
        AddErrors("not sent", before, after, counts => counts.NotSent);
        Note(before, after);
    }

    public bool IsWorse => _rows.Exists(row => row.Worse);

    /// <summary>Reads <c>10%</c> or <c>0.1</c>.</summary>
    /// <exception cref="FormatException">Neither.</exception>
    public static double ParseTolerance(string text)
    {
        bool percent = text.EndsWith('%');
        return double.TryParse(percent ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            ? percent ? value / 100 : value
            : throw new FormatException($"--tolerance: '{text}' is no percentage such as 10%.");
    }

    public string Write()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"",-10}{"before",14}{"after",14}{"change",10}\n");
        foreach (Row row in _rows)
        {
            string change = double.IsFinite(row.Change) ? row.Change.ToString("+0.0%;-0.0%;0.0%", CultureInfo.InvariantCulture) : "new";
            text.Append(CultureInfo.InvariantCulture, $"{row.Name,-10}{row.Before,14}{row.After,14}{change,10}{(row.Worse ? "  WORSE" : "")}\n");
        }
        foreach (string note in _notes)
        {
            text.Append(CultureInfo.InvariantCulture, $"note: {note}\n");
        }
        text.Append(IsWorse
            ? string.Create(CultureInfo.InvariantCulture, $"Worse by more than {_tolerance:0.#%}.\n")
            : string.Create(CultureInfo.InvariantCulture, $"Not worse (tolerance {_tolerance:0.#%}).\n"));
        return text.ToString();
    }

    private static double Change(double before, double after) => before == after ? 0 : before == 0 ? double.PositiveInfinity : (after - before) / before;

    private void AddShown(string name, double before, double after) =>
        _rows.Add(new Row(name, Quantity.Duration(before), Quantity.Duration(after), Change(before, after), false));

    // Compared as shares: the runs may differ in length.
    private void AddErrors(string name, RunReport before, RunReport after, Func<CountsReport, long> count)
    {
        double was = (double)count(before.Counts) / Math.Max(1, before.Counts.Sent);
        double now = (double)count(after.Counts) / Math.Max(1, after.Counts.Sent);
        _rows.Add(new Row(name, Quantity.Count(count(before.Counts)), Quantity.Count(count(after.Counts)), Change(was, now), now > was * (1 + _tolerance)));
    }

    private void Note(RunReport before, RunReport after)
    {
        if (!before.Valid || !after.Valid)
        {
            _notes.Add($"the figures of the {(before.Valid ? "second" : after.Valid ? "first" : "first and the second")} report are not valid: the generator was the bottleneck");
        }
        SettingsReport a = before.Settings, b = after.Settings;
        if (a with { Target = "", Seed = 0, DurationSeconds = null, Requests = null } != b with { Target = "", Seed = 0, DurationSeconds = null, Requests = null })
        {
            _notes.Add("the two runs had different settings");
        }
        if (before.Machine != after.Machine)
        {
            _notes.Add("the two runs were made on different machines");
        }
    }

    private readonly record struct Row(string Name, string Before, string After, double Change, bool Worse);
}
