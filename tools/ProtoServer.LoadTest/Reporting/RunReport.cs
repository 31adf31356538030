using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>A run as it is kept: what <c>--json</c> writes, <c>compare</c> reads, and every other output is made from.</summary>
internal sealed record RunReport
{
    /// <summary>Counts up when a field changes its meaning.</summary>
    public int FormatVersion { get; init; } = 1;

    public required string Tool { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The arguments, as typed.</summary>
    public required string Command { get; init; }

    public required MachineReport Machine { get; init; }

    public required SettingsReport Settings { get; init; }

    /// <summary>Whether the figures can be believed; see <see cref="InvalidBecause"/>.</summary>
    public required bool Valid { get; init; }

    public required IReadOnlyList<string> InvalidBecause { get; init; }

    public required bool Interrupted { get; init; }

    /// <summary>From the first reply to the last, at least the planned duration; from the start to the last when requests were counted.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>Requests per second that the schedule asked for; null in a closed loop.</summary>
    public required double? AskedPerSecond { get; init; }

    /// <summary>Replies per second, wrong ones included.</summary>
    public required double AchievedPerSecond { get; init; }

    public required CountsReport Counts { get; init; }

    /// <summary>What happened during the warm-up; not part of <see cref="Counts"/>.</summary>
    public required CountsReport WarmupCounts { get; init; }

    /// <summary>From the intended send time; a request that was lost counts with the time for which it was waited.</summary>
    public required LatencyReport Corrected { get; init; }

    /// <summary>From the real send time, of answered requests.</summary>
    public required LatencyReport Raw { get; init; }

    /// <summary>How long connects took.</summary>
    public required LatencyReport Connect { get; init; }

    /// <summary>The load generator's own state.</summary>
    public required GeneratorReport Generator { get; init; }

    public required IReadOnlyList<IntervalSummary> Intervals { get; init; }

    public IReadOnlyList<ThresholdReport> Thresholds { get; init; } = [];
}
