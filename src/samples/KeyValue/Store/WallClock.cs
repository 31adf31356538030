namespace KeyValue.Store;

/// <summary>The time in milliseconds, twice: as the wall clock says, and as it would say had nobody set it since the start.</summary>
/// <remarks>
/// A span of time ("in 10 seconds") is measured by the second, so setting the clock neither kills keys nor keeps them; a date ("at noon") by the first.
/// Both are read once per batch of requests, not once per request.
/// </remarks>
internal sealed class WallClock
{
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly long _startUnix;

    public WallClock(TimeProvider time)
    {
        _time = time;
        _startTimestamp = time.GetTimestamp();
        _startUnix = time.GetUtcNow().ToUnixTimeMilliseconds();
        Refresh();
    }

    /// <summary>Unix time in milliseconds; runs evenly, whatever happens to the wall clock.</summary>
    public long Steady { get; private set; }

    /// <summary>Unix time in milliseconds as the wall clock says.</summary>
    public long Wall { get; private set; }

    /// <summary>Tenths of a second since the start.</summary>
    public uint Tenths { get; private set; }

    /// <summary>Microseconds of Unix time, read now.</summary>
    public long Microseconds => (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Milliseconds since the start.</summary>
    public long Uptime => Steady - _startUnix;

    /// <summary>Reads the time.</summary>
    public void Refresh()
    {
        Steady = _startUnix + (long)_time.GetElapsedTime(_startTimestamp).TotalMilliseconds;
        Wall = _time.GetUtcNow().ToUnixTimeMilliseconds();
        Tenths = (uint)((Steady - _startUnix) / 100);
    }
}
