using System.Globalization;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>The plots of a report.</summary>
internal static class ReportPlots
{
    /// <summary>Rate, latency, errors and connections over time, and the distribution.</summary>
    public static IEnumerable<Plot> Of(RunReport report)
    {
        if (report.Intervals.Count > 0)
        {
            yield return Rate(report);
            if (report.Corrected.Count > 0)
            {
                yield return Latency(report);
            }
            yield return Errors(report);
            yield return Connections(report);
        }
        if (report.Corrected.Count > 0)
        {
            yield return Spectrum(report);
        }
    }

    private static Plot Rate(RunReport report)
    {
        List<PlotSeries> series = [new("answered", "c1", Points(report, i => i.AnsweredPerSecond))];
        if (report.Settings.Loop == "open")
        {
            series.Add(new PlotSeries("sent", "c2", Points(report, i => i.SentPerSecond), Dashed: true));
        }
        double most = series.Max(one => one.Points.Max(point => point.Y));
        return OverTime(report, "rate", "Requests per second", $"Requests per second over time, {Quantity.Rate(report.AchievedPerSecond)} on average", series,
            Axis.Linear(0, most, 4, roundUp: true), value => Short(value) + "/s");
    }

    private static Plot Latency(RunReport report)
    {
        List<PlotSeries> series =
        [
            new("p50", "c3", Points(report, i => Drawn(i, i.CorrectedP50Ms))),
            new("p99", "c1", Points(report, i => Drawn(i, i.CorrectedP99Ms))),
            new("p99.9", "c2", Points(report, i => Drawn(i, i.CorrectedP999Ms))),
            new("raw p99", "c4", Points(report, i => Drawn(i, i.RawP99Ms)), Dashed: true),
        ];
        double[] values = [.. series.SelectMany(one => one.Points).Select(point => point.Y).Where(y => !double.IsNaN(y))];
        Axis axis = values.Length == 0 ? Axis.Logarithmic(0.1, 1) : Axis.Logarithmic(values.Min(), values.Max());
        return OverTime(report, "latency", "Latency, corrected", "Percentiles of the corrected latency over time, on a logarithmic axis", series, axis, ShortDuration);

        static double Drawn(IntervalSummary interval, double value) => interval.Warmup || value <= 0 ? double.NaN : value;
    }

    private static Plot Errors(RunReport report)
    {
        List<PlotSeries> series =
        [
            new("wrong", "c2", Points(report, i => i.Wrong, bars: true)),
            new("lost", "bad", Points(report, i => i.Lost, bars: true)),
            new("other", "c4", Points(report, i => i.OtherErrors, bars: true)),
            new("not sent", "c3", Points(report, i => i.NotSent, bars: true)),
        ];
        double most = report.Intervals.Max(i => i.Wrong + i.Lost + i.OtherErrors + i.NotSent);
        long all = report.Counts.Errors + report.WarmupCounts.Errors;
        Plot plot = OverTime(report, "errors", "Errors", $"Errors over time, {Quantity.Count(all)} in all", most > 0 ? series : [], Axis.Linear(0, Math.Max(most, 4), 4, roundUp: true), Short);
        return new Plot
        {
            Id = plot.Id,
            Title = plot.Title,
            Summary = plot.Summary,
            X = plot.X,
            Y = plot.Y,
            FormatX = plot.FormatX,
            FormatY = plot.FormatY,
            XLabel = plot.XLabel,
            Series = plot.Series,
            ShadedUntil = plot.ShadedUntil,
            Stacked = true,
            Empty = most > 0 ? null : "no errors",
        };
    }

    private static Plot Connections(RunReport report)
    {
        List<PlotSeries> series = [new("open", "c1", Points(report, i => i.OpenConnections))];
        return OverTime(report, "connections", "Connections", "Open connections over time", series,
            Axis.Linear(0, Math.Max(1, report.Intervals.Max(i => i.OpenConnections)), 4, roundUp: true), Short);
    }

    private static Plot Spectrum(RunReport report)
    {
        List<PlotSeries> series = [new("corrected", "c1", Line(report.Corrected))];
        if (report.Raw.Count > 0)
        {
            series.Add(new PlotSeries("raw", "c4", Line(report.Raw), Dashed: true));
        }
        double[] values = [.. series.SelectMany(one => one.Points).Select(point => point.Y).Where(y => y > 0)];
        double most = series.Max(one => one.Points.Max(point => point.X));
        return new Plot
        {
            Id = "spectrum",
            Title = "Latency by percentile",
            Summary = "The whole latency distribution: percentile on a logarithmic axis against latency",
            X = Axis.Percentile(most),
            Y = Axis.Logarithmic(values.Min(), values.Max()),
            FormatX = value => value.ToString("0.#######", CultureInfo.InvariantCulture),
            FormatY = ShortDuration,
            XLabel = "percentile, %",
            Series = series,
        };

        // The last step of a distribution is 100 %, which lies infinitely far to the right: it is drawn where the count ends.
        static List<(double X, double Y)> Line(LatencyReport latency)
        {
            double end = 100 - (100.0 / Math.Max(10, latency.Count));
            return [.. latency.Spectrum.Select(point => (Math.Min(point.Percentile, end), point.Ms))];
        }
    }

    private static Plot OverTime(RunReport report, string id, string title, string summary, IReadOnlyList<PlotSeries> series, Axis y, Func<double, string> format)
    {
        double first = report.Intervals[0].StartSeconds;
        double last = report.Intervals[^1].StartSeconds + report.Intervals[^1].LengthSeconds;
        return new Plot
        {
            Id = id,
            Title = title,
            Summary = summary,
            X = Axis.Linear(first, last, 8, roundUp: false),
            Y = y,
            FormatX = value => value.ToString("0.##", CultureInfo.InvariantCulture),
            FormatY = format,
            XLabel = "second, from the end of the warm-up",
            Series = series,
            ShadedUntil = first < 0 ? 0 : null,
        };
    }

    // In the middle of its interval, where a line's point belongs; a bar begins with its interval. A last interval that is only the run's remainder would be drawn as a collapse; half a second is enough to tell a rate.
    private static List<(double X, double Y)> Points(RunReport report, Func<IntervalSummary, double> value, bool bars = false) =>
        [.. report.Intervals.Where(i => i.LengthSeconds >= 0.5 || report.Intervals.Count < 3).Select(i => (i.StartSeconds + (bars ? 0 : i.LengthSeconds / 2), value(i)))];

    private static string Short(double value) => value switch
    {
        >= 1e6 => (value / 1e6).ToString("0.##", CultureInfo.InvariantCulture) + "M",
        >= 1e4 => (value / 1e3).ToString("0.#", CultureInfo.InvariantCulture) + "k",
        _ => value.ToString("0.##", CultureInfo.InvariantCulture),
    };

    private static string ShortDuration(double ms) => ms switch
    {
        < 0.9995 => (ms * 1000).ToString("0.##", CultureInfo.InvariantCulture) + " µs",
        < 999.5 => ms.ToString("0.##", CultureInfo.InvariantCulture) + " ms",
        _ => (ms / 1000).ToString("0.##", CultureInfo.InvariantCulture) + " s",
    };
}
