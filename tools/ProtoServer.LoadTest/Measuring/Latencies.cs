using HdrHistogram;

namespace ProtoServer.LoadTest.Measuring;

/// <summary>Histograms in nanoseconds, three significant digits, up to an hour.</summary>
internal static class Latencies
{
    // 100 ns: below that, a clock reading is as long as what it measures. An hour: longer than any timeout that makes sense.
    private const long Lowest = 100;
    private const long Highest = 3_600_000_000_000;

    public static LongHistogram NewHistogram() => new(Lowest, Highest, 3);

    /// <summary>Records, bringing what is out of range to its edge.</summary>
    public static void Record(LongHistogram histogram, long nanoseconds, long count = 1) =>
        histogram.RecordValueWithCount(Math.Clamp(nanoseconds, 1, Highest), count);

    /// <summary>The value below which <paramref name="percentile"/> percent lie, in milliseconds; 0 when nothing was recorded.</summary>
    public static double Milliseconds(LongHistogram histogram, double percentile) =>
        histogram.TotalCount == 0 ? 0 : Math.Round(histogram.GetValueAtPercentile(percentile) / 1e6, 6);
}
