using System.Globalization;
using System.Text;
using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>The time series as CSV: one row an interval, units in the header.</summary>
internal static class CsvReport
{
    public static string Write(RunReport report)
    {
        var text = new StringBuilder("start_s,length_s,warmup,sent_per_s,answered_per_s,corrected_p50_ms,corrected_p99_ms,corrected_p99.9_ms,corrected_max_ms,"
            + "raw_p50_ms,raw_p99_ms,wrong,lost,other_errors,not_sent,open_connections,busiest_loop\n");
        foreach (IntervalSummary i in report.Intervals)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{i.StartSeconds},{i.LengthSeconds},{(i.Warmup ? 1 : 0)},{i.SentPerSecond},{i.AnsweredPerSecond},{i.CorrectedP50Ms},{i.CorrectedP99Ms},{i.CorrectedP999Ms},{i.CorrectedMaxMs},");
            text.Append(CultureInfo.InvariantCulture,
                $"{i.RawP50Ms},{i.RawP99Ms},{i.Wrong},{i.Lost},{i.OtherErrors},{i.NotSent},{i.OpenConnections},{i.Busiest}\n");
        }
        return text.ToString();
    }
}
