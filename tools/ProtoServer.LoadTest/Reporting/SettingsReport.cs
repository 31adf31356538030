namespace ProtoServer.LoadTest.Reporting;

/// <summary>What was asked for.</summary>
internal sealed record SettingsReport
{
    public required string Scenario { get; init; }

    public required string Target { get; init; }

    public required string Content { get; init; }

    public required int Connections { get; init; }

    public required int Threads { get; init; }

    public required int Pipeline { get; init; }

    /// <summary>open: sends follow a schedule; closed: they follow the replies.</summary>
    public required string Loop { get; init; }

    public required double? RatePerSecond { get; init; }

    public required string? Ramp { get; init; }

    public required double? DurationSeconds { get; init; }

    public required long? Requests { get; init; }

    public required double WarmupSeconds { get; init; }

    public required double TimeoutSeconds { get; init; }

    public required double GraceSeconds { get; init; }

    public required int Seed { get; init; }
}
