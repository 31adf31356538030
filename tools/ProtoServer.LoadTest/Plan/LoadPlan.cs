using ProtoServer.LoadTest.Content;

namespace ProtoServer.LoadTest.Plan;

/// <summary>Everything that a run needs to know, checked and immutable: shared by all loops.</summary>
internal sealed record LoadPlan
{
    public required Scenario Scenario { get; init; }

    public required Target Target { get; init; }

    /// <summary>What is said on the connections; null when they only idle.</summary>
    public IDialogueSource? Content { get; init; }

    /// <summary>Connections in all, spread over the loops.</summary>
    public int Connections { get; init; } = 50;

    /// <summary>Loops, one thread each.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Requests that a connection may have in flight.</summary>
    public int Pipeline { get; init; } = 1;

    /// <summary>Requests after which a connection is closed and opened anew; 0: never.</summary>
    public int RequestsPerConnection { get; init; }

    /// <summary>How long is measured; null: until <see cref="Requests"/> are done.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>How many requests are sent; null: as many as <see cref="Duration"/> allows.</summary>
    public long? Requests { get; init; }

    /// <summary>The rate asked for, in requests per second; null in a closed loop and with a ramp.</summary>
    public double? Rate { get; init; }

    /// <summary>The ramp's stages; empty without one.</summary>
    public IReadOnlyList<RampStage> Ramp { get; init; } = [];

    /// <summary>Load before the measurement begins.</summary>
    public TimeSpan Warmup { get; init; }

    /// <summary>New connections per second in all; null: as fast as they come, at most 128 under way per loop.</summary>
    public double? ConnectRate { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After this a request counts as lost and its connection is replaced.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the end waits for replies that are still out.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    public int Seed { get; init; } = 1;

    /// <summary>Whether sends follow a schedule instead of the replies.</summary>
    public bool IsOpenLoop => Rate is not null || Ramp.Count > 0;

    /// <summary>Warm-up and measurement together; null when only <see cref="Requests"/> ends the run.</summary>
    public TimeSpan? Length => Duration is { } duration ? Warmup + duration : null;

    /// <summary>The schedule of an open loop, warm-up included.</summary>
    public RateSchedule Schedule()
    {
        if (Ramp.Count == 0)
        {
            return Length is { } length
                ? new RateSchedule([new RampStage(Rate!.Value, Rate.Value, length)])
                : new RateSchedule(Rate!.Value);
        }
        double first = Ramp[0].From > 0 ? Ramp[0].From : Ramp[0].To;
        return new RateSchedule(Warmup > TimeSpan.Zero ? [new RampStage(first, first, Warmup), .. Ramp] : Ramp);
    }
}
