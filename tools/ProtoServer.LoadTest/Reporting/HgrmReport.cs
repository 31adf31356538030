using System.Globalization;
using HdrHistogram;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>The percentile distribution in HdrHistogram's own text form, in milliseconds, as its plotters read it.</summary>
internal static class HgrmReport
{
    public static string Write(LongHistogram histogram)
    {
        using var writer = new StringWriter(CultureInfo.InvariantCulture);
        histogram.OutputPercentileDistribution(writer, 5, 1e6);
        return writer.ToString();
    }

    /// <summary>Where the raw distribution goes when the corrected one goes to <paramref name="path"/>: <c>run.hgrm</c>, <c>run.raw.hgrm</c>.</summary>
    public static string RawPath(string path) => Path.ChangeExtension(path, null) + ".raw" + Path.GetExtension(path);
}
