using System.Globalization;
using System.Text;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>The summary that a person reads. Every number with its unit; what did not happen is not listed.</summary>
internal static class TextReport
{
    public static string Write(RunReport report)
    {
        var text = new StringBuilder();
        SettingsReport settings = report.Settings;
        CountsReport counts = report.Counts;
        text.Append('\n');
        Row(text, "Rate", Rate(report));
        Row(text, "Requests", Requests(counts));
        if (counts.BytesReceived > 0)
        {
            Row(text, "Traffic", $"{Quantity.Throughput(counts.BytesSent / report.ElapsedSeconds)} out, {Quantity.Throughput(counts.BytesReceived / report.ElapsedSeconds)} in");
        }
        Row(text, "Connections", Connections(counts, settings));
        if (report.Raw.Count > 0 || report.Corrected.Count > 0)
        {
            text.Append('\n');
            Latencies(text, report, settings.Loop == "open");
        }
        else if (report.Connect.Count > 0)
        {
            Row(text, "Connect", string.Join(", ", report.Connect.Percentiles.Select(p => $"{p.Key} {Quantity.Duration(p.Value)}")) + $", max {Quantity.Duration(report.Connect.MaxMs)}");
        }
        text.Append('\n');
        Row(text, "Errors", Errors(counts));
        if (report.WarmupCounts.Errors > 0)
        {
            Row(text, "In warm-up", Errors(report.WarmupCounts) + " (not counted above)");
        }
        Row(text, "Generator", Generator(report, settings.Loop == "open"));
        foreach (ThresholdReport threshold in report.Thresholds)
        {
            Row(text, threshold.Broken ? "FAILED" : "Passed", $"{threshold.Condition}: {threshold.Actual}");
        }
        if (report.Interrupted)
        {
            Row(text, "INTERRUPTED", "these are the figures so far");
        }
        foreach (string reason in report.InvalidBecause)
        {
            Row(text, "NOT VALID", reason);
        }
        return text.ToString();
    }

    private static string Rate(RunReport report)
    {
        string achieved = Quantity.Rate(report.AchievedPerSecond) + " achieved";
        string over = string.Create(CultureInfo.InvariantCulture, $" over {report.ElapsedSeconds:0.00} s");
        return report.AskedPerSecond is { } asked
            ? string.Create(CultureInfo.InvariantCulture, $"{achieved} of {Quantity.Rate(asked)} asked ({report.AchievedPerSecond / asked:0.0%}){over}")
            : achieved + over;
    }

    private static string Requests(CountsReport counts)
    {
        string text = $"{Quantity.Count(counts.Sent)} sent, {Quantity.Count(counts.Answered)} answered";
        text += $", {Quantity.Count(counts.Wrong)} wrong, {Quantity.Count(counts.Lost)} lost";
        if (counts.Misses > 0)
        {
            text += $", {Quantity.Count(counts.Misses)} of them misses";
        }
        return counts.NotSent > 0 ? text + $"; {Quantity.Count(counts.NotSent)} due but never sent, no connection was free" : text;
    }

    private static string Connections(CountsReport counts, SettingsReport settings)
    {
        string text = settings.Scenario == "churn"
            ? $"{Quantity.Count(counts.Connections)} made, up to {settings.Connections} at a time"
            : $"{Quantity.Count(counts.Connections)} of {Quantity.Count(settings.Connections)} made";
        return counts.Reconnections > 0 ? text + $", {Quantity.Count(counts.Reconnections)} times reconnected" : text;
    }

    private static void Latencies(StringBuilder text, RunReport report, bool open)
    {
        text.Append(CultureInfo.InvariantCulture, $"{"Latency",-13}{"corrected",12}{"raw",12}\n");
        List<(string Name, double Corrected, double Raw)> rows = [("min", report.Corrected.MinMs, report.Raw.MinMs), ("mean", report.Corrected.MeanMs, report.Raw.MeanMs)];
        foreach ((string name, double value) in report.Corrected.Percentiles)
        {
            rows.Add((name, value, report.Raw.Percentiles.TryGetValue(name, out double raw) ? raw : 0));
        }
        rows.Add(("max", report.Corrected.MaxMs, report.Raw.MaxMs));
        foreach ((string name, double corrected, double raw) in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {name,-11}{Quantity.Duration(corrected),12}{(report.Raw.Count > 0 ? Quantity.Duration(raw) : "-"),12}\n");
        }
        text.Append(open
            ? "  corrected: from the time at which the request was due; raw: from the time at which it was sent\n"
            : "  closed loop: a request is only due when the one before it is answered, so a server that freezes\n"
              + "  hides the requests that it kept from being sent; use --rate to see what users would see\n");
    }

    private static string Errors(CountsReport counts)
    {
        List<string> list = [];
        Add("refused", counts.ConnectsRefused);
        Add("connect timeouts", counts.ConnectsTimedOut);
        Add("failed connects", counts.ConnectsFailed);
        Add("resets", counts.ConnectionsReset);
        Add("unexpected closes", counts.ConnectionsClosed);
        Add("short replies", counts.ConnectionsClosedMidReply);
        Add("wrong replies", counts.Wrong);
        Add("stray replies", counts.StrayReplies);
        Add("error replies", counts.ErrorReplies);
        Add("lost by timeout", counts.LostByTimeout);
        Add("lost, overtaken by a later reply", counts.LostOvertaken);
        Add("lost with their connection", counts.LostWithConnection);
        Add("lost, unanswered at the end", counts.LostUnansweredAtEnd);
        return list.Count == 0 ? "none" : string.Join(", ", list);

        void Add(string name, long count)
        {
            if (count > 0)
            {
                list.Add($"{Quantity.Count(count)} {name}");
            }
        }
    }

    private static string Generator(RunReport report, bool open)
    {
        GeneratorReport generator = report.Generator;
        string text = string.Create(CultureInfo.InvariantCulture, $"busiest loop {generator.BusiestLoop:P0}");
        if (generator.CpuMicrosecondsPerReply > 0)
        {
            text += string.Create(CultureInfo.InvariantCulture, $", {generator.CpuMicrosecondsPerReply:0.00} µs of processor time per reply");
        }
        if (open && generator.Lag.Count > 0)
        {
            text += string.Create(CultureInfo.InvariantCulture,
                $", own lag p99 {Quantity.Duration(generator.Lag.Percentiles.GetValueOrDefault("p99", generator.Lag.MaxMs))}, {generator.LateShare:0.##%} late by more than 1 ms");
        }
        return text;
    }

    private static void Row(StringBuilder text, string name, string value) => text.Append(CultureInfo.InvariantCulture, $"{name,-13}{value}\n");
}
