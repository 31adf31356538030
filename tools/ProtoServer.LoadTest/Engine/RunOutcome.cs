using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Engine;

/// <summary>What a run measured, before it is put into words.</summary>
internal sealed class RunOutcome
{
    /// <summary>All intervals together.</summary>
    public required Sample Total { get; init; }

    /// <summary>The intervals in a few numbers each.</summary>
    public required IReadOnlyList<IntervalSummary> Intervals { get; init; }

    /// <summary>Wall clock at the start of the load.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Connections that were open when the load began.</summary>
    public required int OpenAtStart { get; init; }

    /// <summary>From the first reply to the last, at least the planned duration; from the start to the last when requests were counted.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Nanoseconds of processor time that the loops used in the measured time.</summary>
    public required long MeasuredCpu { get; init; }

    /// <summary>Nanoseconds of processor time that the whole process used in the measured time.</summary>
    public long MeasuredProcessCpu { get; init; }

    /// <summary>The largest share of the measured time that one loop's thread was running.</summary>
    public required double Busiest { get; init; }

    /// <summary>Whether the user ended it.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>Why connects failed, for the message when all did.</summary>
    public string? ConnectFailure { get; init; }
}
