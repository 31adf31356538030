namespace ProtoServer;

// Scheduling: now, later, and from other threads.
public sealed partial class EventLoop
{
    /// <summary>Calls <paramref name="callback"/> in the next iteration; callbacks run in the order in which they were scheduled, each once, none inline.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs the loop: use <see cref="CallSoonThreadSafe(Action)"/>.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public CallHandle CallSoon(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallSoon(static action => action(), callback);
    }

    /// <inheritdoc cref="CallSoon(Action)"/>
    /// <param name="callback">Best a static lambda: then nothing but the handle is allocated.</param>
    /// <param name="state">Passed to the callback, and released with it.</param>
    public CallHandle CallSoon<TState>(Action<TState> callback, TState state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        VerifyUsable();
        var handle = new CallHandle<TState>(this, callback, state);
        _ready.Enqueue(handle);
        return handle;
    }

    /// <summary>Calls <paramref name="callback"/> on the loop from any thread, waking the loop if it sleeps. Any thread.</summary>
    /// <returns>A handle that any thread may cancel: a cancel that came in time means that the call never runs.</returns>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public CallHandle CallSoonThreadSafe(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallSoonThreadSafe(static action => action(), callback);
    }

    /// <inheritdoc cref="CallSoonThreadSafe(Action)"/>
    /// <param name="callback">Best a static lambda: then nothing but the handle is allocated.</param>
    /// <param name="state">Passed to the callback, and released with it.</param>
    public CallHandle CallSoonThreadSafe<TState>(Action<TState> callback, TState state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ObjectDisposedException.ThrowIf(_closed, this);
        var handle = new ThreadSafeCallHandle<TState>(this, callback, state);
        if (IsLoopThread)
        {
            _ready.Enqueue(handle);
        }
        else
        {
            Send(handle);
        }
        return handle;
    }

    /// <summary>Calls <paramref name="callback"/> after <paramref name="delay"/>, never early; with a delay of zero or less in the next iteration.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs the loop.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public CallHandle CallLater(TimeSpan delay, Action callback) => CallAt(After(delay), callback);

    /// <inheritdoc cref="CallLater(TimeSpan, Action)"/>
    public CallHandle CallLater<TState>(TimeSpan delay, Action<TState> callback, TState state) => CallAt(After(delay), callback, state);

    /// <summary>Calls <paramref name="callback"/> when <see cref="Time"/> has reached <paramref name="when"/>; equal deadlines in the order in which they were set.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs the loop.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public CallHandle CallAt(TimeSpan when, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallAt(when, static action => action(), callback);
    }

    /// <inheritdoc cref="CallAt(TimeSpan, Action)"/>
    public CallHandle CallAt<TState>(TimeSpan when, Action<TState> callback, TState state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        VerifyUsable();
        var handle = new CallHandle<TState>(this, callback, state);
        _timers.Add(handle, when.Ticks);
        return handle;
    }

    /// <summary>Any thread: as <see cref="CallSoon{TState}"/>, without a handle to give back; nothing happens once the loop is closed.</summary>
    internal void Post<TState>(Action<TState> callback, TState state)
    {
        var handle = new CallHandle<TState>(this, callback, state);
        if (IsLoopThread)
        {
            _ready.Enqueue(handle);
        }
        else if (!_closed)
        {
            Send(handle);
        }
    }

    /// <summary>Loop thread: <paramref name="item"/> has bytes for the kernel; it is flushed at the end of this iteration.</summary>
    internal void FlushAtEndOfIteration(IFlushable item) => _flushes.Add(item);

    /// <summary>Whether step 6 is running: who has bytes now sends them at once.</summary>
    internal bool IsFlushing => _flushes.IsFlushing;

    internal void TimerCancelled() => _timers.Cancelled();

    /// <summary>Timers held, cancelled ones included: for tests of the sweep.</summary>
    internal int TimerCount => _timers.Count;

    /// <exception cref="InvalidOperationException">The calling thread is not the loop's.</exception>
    internal void VerifyThread()
    {
        if (!MayCallDirectly)
        {
            ThrowWrongThread();
        }
    }

    // A delay beyond the end of time is never due, instead of an overflow.
    private TimeSpan After(TimeSpan delay)
    {
        TimeSpan now = Time;
        return delay < TimeSpan.MaxValue - now ? now + delay : TimeSpan.MaxValue;
    }

    private void VerifyUsable()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        VerifyThread();
    }

    private void ThrowWrongThread() => throw new InvalidOperationException(
        $"This belongs to the thread of {Name}: come through EventLoop.CallSoonThreadSafe from other threads (after ConfigureAwait(false), too).");

    private void Send(CallHandle handle)
    {
        handle.ReadySince = Time.Ticks;
        if (_inbox.Add(handle))
        {
            Poller.Wake();
        }
    }

    private void WakeIfParked()
    {
        if (_inbox.ClaimWake())
        {
            Poller.Wake();
        }
    }
}
