using ProtoServer.LoadTest.Reporting;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>Where the figures go, and what they are judged by.</summary>
internal sealed record OutputPlan
{
    public string? Json { get; init; }

    public string? Csv { get; init; }

    public string? Html { get; init; }

    public string? Hgrm { get; init; }

    /// <summary>No progress while the run goes on.</summary>
    public bool Quiet { get; init; }

    /// <summary>Progress as lines, never as a redrawn view.</summary>
    public bool Plain { get; init; }

    public IReadOnlyList<double> Percentiles { get; init; } = ReportBuilder.DefaultPercentiles;

    public IReadOnlyList<Condition> FailIf { get; init; } = [];

    /// <summary>The goal of a search for the highest rate; null: one run.</summary>
    public Condition? FindMax { get; init; }

    public string Command { get; init; } = "proto-load";
}
