namespace ProtoServer;

// What the iteration measures on its way. The clock is read twice where the loop sleeps, before and after, and once more for each of the first calls.
public sealed partial class EventLoop
{
    // An iteration costs a system call: beside it the clock is cheap for a few calls. In a long batch it is read for each sixteenth.
    private const int TimedOneByOne = 4;
    private const int TimedEvery = 16;

    private long _now; // the last reading, in ticks of Time

    /// <summary>The poller: the wait is over, what it brought is dispatched next.</summary>
    internal void WakeUp()
    {
        _now = Time.Ticks;
        Metrics.WokeUp(_now);
    }

    // The answer of step 1; for that long the loop counts as asleep.
    private long FallAsleep()
    {
        if (_stopping || _ready.Count > 0 || !_flushes.IsEmpty)
        {
            return 0;
        }
        _now = Time.Ticks;
        long timeout = _timers.TryPeek(out long due) ? Math.Max(0, due - _now) : -1;
        if (timeout == 0 || !_inbox.TryPark() || _stopping)
        {
            return 0;
        }
        Metrics.FellAsleep(_now);
        return timeout;
    }

    private int BeginCalls()
    {
        int count = _ready.Count;
        if (count > 0)
        {
            _now = Time.Ticks;
            Metrics.Callbacks += count;
        }
        return count;
    }

    // A call waits from the end of the one that scheduled it: what that one did afterwards was not waiting, and what it did before was neither.
    private void MeasureCall(int index)
    {
        if (index < TimedOneByOne || index % TimedEvery == 0)
        {
            _now = Time.Ticks;
            _ready.MarkSince(_now);
        }
    }
}
