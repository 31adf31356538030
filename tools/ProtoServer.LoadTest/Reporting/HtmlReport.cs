using System.Globalization;
using System.Net;
using System.Text;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>A report as one page that needs nothing else: no script, no font, no network. Light and dark, wide and narrow.</summary>
internal static class HtmlReport
{
    public static string Write(RunReport report)
    {
        var page = new StringBuilder();
        string title = $"{report.Settings.Scenario} {report.Settings.Target}";
        page.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<meta name=\"color-scheme\" content=\"light dark\">\n<title>{Text(title)}: load test</title>\n<style>{HtmlStyle.Sheet}</style>\n</head>\n<body>\n<main>\n");
        page.Append(CultureInfo.InvariantCulture, $"<header><h1>{Text(title)}</h1><p>{Text(Subject(report))}</p><p class=\"quiet\">{Text(report.StartedAt.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture))}</p></header>\n");
        Verdict(page, report);
        Tiles(page, report);
        page.Append("<section class=\"plots\">\n");
        foreach (Plot plot in ReportPlots.Of(report))
        {
            page.Append(plot.Write());
        }
        if (report.Corrected.Count > 0)
        {
            Percentiles(page, report);
        }
        page.Append("</section>\n<section class=\"tables\">\n");
        Counts(page, report);
        Facts(page, report);
        page.Append("</section>\n");
        Series(page, report);
        page.Append("</main>\n</body>\n</html>\n");
        return page.ToString();
    }

    private static string Subject(RunReport report)
    {
        SettingsReport s = report.Settings;
        string load = s.Content == "connections only" ? "held" : s.Loop == "closed" ? "closed loop" : s.Ramp is not null ? $"open loop: {s.Ramp}" : $"open loop at {Quantity.Rate(s.RatePerSecond ?? 0)}";
        return $"{s.Content}; {Quantity.Count(s.Connections)} connections; {load}";
    }

    private static void Verdict(StringBuilder page, RunReport report)
    {
        foreach (string reason in report.InvalidBecause)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"verdict bad\"><strong>Not valid:</strong> {Text(reason)}</p>\n");
        }
        if (report.Interrupted)
        {
            page.Append("<p class=\"verdict bad\"><strong>Interrupted:</strong> these are the figures so far</p>\n");
        }
        foreach (ThresholdReport threshold in report.Thresholds)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"verdict {(threshold.Broken ? "bad" : "good")}\"><strong>{(threshold.Broken ? "Failed" : "Passed")}:</strong> {Text(threshold.Condition)}: {Text(threshold.Actual)}</p>\n");
        }
    }

    private static void Tiles(StringBuilder page, RunReport report)
    {
        page.Append("<section class=\"tiles\">\n");
        if (report.Corrected.Count > 0)
        {
            Tile("rate", Quantity.Rate(report.AchievedPerSecond), report.AskedPerSecond is { } asked ? $"of {Quantity.Rate(asked)} asked" : "closed loop");
            foreach (string name in report.Corrected.Percentiles.Keys.Where(name => name is "p50" or "p99" or "p99.9"))
            {
                Tile(name, Quantity.Duration(report.Corrected.Percentiles[name]), $"raw {Quantity.Duration(report.Raw.Percentiles.GetValueOrDefault(name))}");
            }
        }
        else
        {
            Tile("connections", Quantity.Count(report.Counts.Connections), $"of {Quantity.Count(report.Settings.Connections)}");
            Tile("connect p99", Quantity.Duration(report.Connect.Percentiles.GetValueOrDefault("p99")), $"max {Quantity.Duration(report.Connect.MaxMs)}");
        }
        Tile("errors", Quantity.Count(report.Counts.Errors), report.Counts.Errors == 0 ? "every reply right" : $"{Quantity.Count(report.Counts.Wrong)} wrong, {Quantity.Count(report.Counts.Lost)} lost", report.Counts.Errors > 0);
        page.Append("</section>\n");

        void Tile(string name, string value, string note, bool bad = false) => page.Append(CultureInfo.InvariantCulture,
            $"<div class=\"tile{(bad ? " bad" : "")}\"><span>{Text(name)}</span><strong>{Text(value)}</strong><small>{Text(note)}</small></div>\n");
    }

    private static void Percentiles(StringBuilder page, RunReport report)
    {
        page.Append("<div class=\"card\"><table><caption>Latency</caption><thead><tr><th></th><th>corrected</th><th>raw</th></tr></thead><tbody>\n");
        Row("min", report.Corrected.MinMs, report.Raw.MinMs);
        Row("mean", report.Corrected.MeanMs, report.Raw.MeanMs);
        foreach ((string name, double value) in report.Corrected.Percentiles)
        {
            Row(name, value, report.Raw.Percentiles.GetValueOrDefault(name));
        }
        Row("max", report.Corrected.MaxMs, report.Raw.MaxMs);
        page.Append("</tbody></table></div>\n");

        void Row(string name, double corrected, double raw) => page.Append(CultureInfo.InvariantCulture,
            $"<tr><th>{Text(name)}</th><td>{Text(Quantity.Duration(corrected))}</td><td>{Text(Quantity.Duration(raw))}</td></tr>\n");
    }

    private static void Counts(StringBuilder page, RunReport report)
    {
        CountsReport c = report.Counts;
        page.Append("<div class=\"card\"><table><caption>Counts</caption><tbody>\n");
        foreach ((string name, long count, bool always) in ((string, long, bool)[])[
            ("requests sent", c.Sent, true), ("answered", c.Answered, true), ("wrong replies", c.Wrong, true), ("lost", c.Lost, true), ("due, never sent", c.NotSent, false),
            ("misses", c.Misses, false), ("error replies", c.ErrorReplies, false), ("stray replies", c.StrayReplies, false),
            ("lost by timeout", c.LostByTimeout, false), ("lost, overtaken", c.LostOvertaken, false), ("lost with connection", c.LostWithConnection, false),
            ("lost, unanswered at the end", c.LostUnansweredAtEnd, false), ("connections made", c.Connections, true), ("reconnections", c.Reconnections, false),
            ("connects refused", c.ConnectsRefused, false), ("connects timed out", c.ConnectsTimedOut, false), ("connects failed", c.ConnectsFailed, false),
            ("connections reset", c.ConnectionsReset, false), ("connections closed", c.ConnectionsClosed, false), ("closed in a reply", c.ConnectionsClosedMidReply, false)])
        {
            if (always || count > 0)
            {
                page.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{Quantity.Count(count)}</td></tr>\n");
            }
        }
        page.Append("</tbody></table></div>\n");
    }

    private static void Facts(StringBuilder page, RunReport report)
    {
        GeneratorReport generator = report.Generator;
        page.Append("<div class=\"card\"><table class=\"facts\"><caption>Run</caption><tbody>\n");
        Row("command", report.Command);
        Row("measured", string.Create(CultureInfo.InvariantCulture, $"{report.ElapsedSeconds:0.00} s after {report.Settings.WarmupSeconds:0.##} s of warm-up"));
        Row("generator", string.Create(CultureInfo.InvariantCulture, $"busiest loop {generator.BusiestLoop:P0}, {generator.CpuMicrosecondsPerReply:0.00} µs per reply"));
        if (generator.Lag.Count > 0)
        {
            Row("own lag", string.Create(CultureInfo.InvariantCulture, $"p99 {Quantity.Duration(generator.Lag.Percentiles["p99"])}, {generator.LateShare:0.##%} late by more than 1 ms"));
        }
        Row("machine", $"{report.Machine.OperatingSystem}, {report.Machine.Architecture}, {report.Machine.Processors} processors, {report.Machine.Runtime}");
        Row("tool", report.Tool);
        page.Append("</tbody></table></div>\n");

        void Row(string name, string value) => page.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{Text(value)}</td></tr>\n");
    }

    private static void Series(StringBuilder page, RunReport report)
    {
        page.Append("<details><summary>Every interval as a table</summary><div class=\"wide\"><table><thead><tr><th>second</th><th>answered/s</th><th>p50</th><th>p99</th><th>p99.9</th><th>max</th><th>raw p99</th><th>errors</th><th>open</th></tr></thead><tbody>\n");
        foreach (var i in report.Intervals)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{i.StartSeconds:0.##}</td><td>{i.AnsweredPerSecond:#,0.#}</td><td>{Quantity.Duration(i.CorrectedP50Ms)}</td><td>{Quantity.Duration(i.CorrectedP99Ms)}</td>");
            page.Append(CultureInfo.InvariantCulture, $"<td>{Quantity.Duration(i.CorrectedP999Ms)}</td><td>{Quantity.Duration(i.CorrectedMaxMs)}</td><td>{Quantity.Duration(i.RawP99Ms)}</td><td>{i.Wrong + i.Lost + i.OtherErrors}</td><td>{i.OpenConnections}</td></tr>\n");
        }
        page.Append("</tbody></table></div></details>\n");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
