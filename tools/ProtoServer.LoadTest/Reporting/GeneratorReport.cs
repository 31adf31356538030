namespace ProtoServer.LoadTest.Reporting;

/// <summary>How the load generator itself fared.</summary>
internal sealed record GeneratorReport
{
    /// <summary>How late it was with scheduled sends, through its own fault.</summary>
    public required LatencyReport Lag { get; init; }

    /// <summary>Share of scheduled sends that were late by more than 1 ms, 0 to 1.</summary>
    public required double LateShare { get; init; }

    /// <summary>Share of the time that the busiest loop's thread was running, 0 to 1.</summary>
    public required double BusiestLoop { get; init; }

    /// <summary>Processor time of all loops in the measured time.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>Processor time of the whole process in the measured time; 0 in reports of versions that did not tell it.</summary>
    public double ProcessCpuSeconds { get; init; }

    public required double CpuMicrosecondsPerReply { get; init; }
}
