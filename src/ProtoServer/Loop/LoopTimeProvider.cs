namespace ProtoServer;

/// <summary>The loop as a <see cref="TimeProvider"/>: what is built on it ticks on the loop's clock and fires on its thread.</summary>
/// <remarks>Any thread: a timer may be made, changed and disposed anywhere, as <see cref="TimeProvider"/> promises.</remarks>
internal sealed class LoopTimeProvider(EventLoop loop, TimeProvider clock) : TimeProvider
{
    public override long TimestampFrequency => clock.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long GetTimestamp() => clock.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        // As in the runtime: the callback sees the contexts of who made the timer.
        var timer = new Timer(loop, callback, state, ExecutionContext.Capture());
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(EventLoop loop, TimerCallback callback, object? state, ExecutionContext? context) : ITimer
    {
        // Guards the fields below; held for a few instructions, never across the callback.
        private readonly Lock _gate = new();
        private CallHandle? _pending;
        private TimeSpan _period;
        private int _version;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
            ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
            int version;
            lock (_gate)
            {
                if (_disposed || loop.IsClosed)
                {
                    return false;
                }
                version = ++_version;
                // A period of zero means once, as for System.Threading.Timer.
                _period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
            }
            TimeSpan due = dueTime == Timeout.InfiniteTimeSpan ? dueTime : loop.Time + dueTime;
            Arm(version, due);
            return true;
        }

        public void Dispose()
        {
            int version;
            lock (_gate)
            {
                if (_disposed)
                {
                    return;
                }
                _disposed = true;
                version = ++_version;
            }
            if (!loop.IsClosed)
            {
                Arm(version, Timeout.InfiniteTimeSpan);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        // The heap belongs to the loop's thread: from elsewhere the change travels through the inbox; a newer version overtakes an older one.
        private void Arm(int version, TimeSpan due)
        {
            if (loop.MayCallDirectly)
            {
                ArmOnLoop(version, due);
            }
            else
            {
                loop.Post(static call => call.timer.ArmOnLoop(call.version, call.due), (timer: this, version, due));
            }
        }

        private void ArmOnLoop(int version, TimeSpan due)
        {
            lock (_gate)
            {
                if (version != _version)
                {
                    return;
                }
            }
            _pending?.Cancel();
            _pending = due == Timeout.InfiniteTimeSpan ? null : loop.CallAt(due, static call => call.timer.Fire(call.version, call.due), (timer: this, version, due));
        }

        private void Fire(int version, TimeSpan due)
        {
            TimeSpan period;
            lock (_gate)
            {
                if (version != _version || _disposed)
                {
                    return;
                }
                period = _period;
            }
            _pending = null;
            if (period != Timeout.InfiniteTimeSpan)
            {
                // From the deadline, not from now: a periodic timer does not drift. Ticks missed by a blocked loop are not made up for.
                TimeSpan now = loop.Time;
                ArmOnLoop(version, due + period > now ? due + period : now + period);
            }
            if (context is null)
            {
                callback(state);
            }
            else
            {
                ExecutionContext.Run(context, static timer => ((Timer)timer!).Invoke(), this);
            }
        }

        private void Invoke() => callback(state);
    }
}
