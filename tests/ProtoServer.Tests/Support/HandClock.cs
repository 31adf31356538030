namespace ProtoServer.Tests;

/// <summary>A clock that the test moves: "held the loop for 200 ms" takes no time, and a slow machine is never late.</summary>
internal sealed class HandClock : TimeProvider
{
    private long _ticks = 1000;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);

    public void Advance(int milliseconds) => Advance(TimeSpan.FromMilliseconds(milliseconds));

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);
}
