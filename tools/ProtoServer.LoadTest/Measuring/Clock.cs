using System.Diagnostics;

namespace ProtoServer.LoadTest.Measuring;

/// <summary>The monotonic clock in nanoseconds: one for all loops, so that their schedules and samples agree.</summary>
internal static class Clock
{
    private static readonly bool s_isNanoseconds = Stopwatch.Frequency == 1_000_000_000;

    public static long Now => s_isNanoseconds
        ? Stopwatch.GetTimestamp()
        : (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    public static long Nanoseconds(TimeSpan duration) => duration.Ticks * 100;

    public static TimeSpan Span(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / 100);
}
