using System.Text.Json.Serialization;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>A distribution of durations.</summary>
internal sealed record LatencyReport
{
    public long Count { get; init; }

    public double MinMs { get; init; }

    public double MeanMs { get; init; }

    public double StandardDeviationMs { get; init; }

    public double MaxMs { get; init; }

    /// <summary>The percentiles that were asked for, as <c>p99.9</c>.</summary>
    [JsonPropertyName("percentilesMs")]
    public IReadOnlyDictionary<string, double> Percentiles { get; init; } = new Dictionary<string, double>();

    /// <summary>The whole distribution, five steps per halving of what remains above.</summary>
    public IReadOnlyList<SpectrumPoint> Spectrum { get; init; } = [];
}
