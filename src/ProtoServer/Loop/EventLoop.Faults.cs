using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

// What happens when a callback throws or takes too long.
public sealed partial class EventLoop
{
    private long _slowTicks;
    private long _slowNamed; // when a slow callback was named last

    /// <summary>
    /// Gets every exception that no one else handles; null (the default) logs it as an error. Called on the loop's thread, in the failing callback's context.
    /// </summary>
    /// <remarks>A handler that throws is replaced by the default for that one report, and both exceptions are logged; no report ever ends the loop.</remarks>
    public Action<LoopErrorContext>? ExceptionHandler { get; set; }

    /// <summary>A callback that runs longer is logged as a warning. <see cref="Timeout.InfiniteTimeSpan"/> turns it off. Default from <see cref="EventLoopOptions.SlowCallbackThreshold"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Neither positive nor infinite.</exception>
    public TimeSpan SlowCallbackThreshold
    {
        get => _slowTicks == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(_slowTicks);
        set
        {
            if (value != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            }
            _slowTicks = value == Timeout.InfiniteTimeSpan ? 0 : value.Ticks;
        }
    }

    /// <summary>Reports an exception that nobody handles. Never throws.</summary>
    internal void Report(string message, Exception exception, string? callback, object? source)
    {
        if (ExceptionHandler is { } handler)
        {
            try
            {
                handler(new LoopErrorContext(message, exception, callback, source));
                return;
            }
            catch (Exception second) when (second is not LoopAbortException)
            {
                TryLog(LogLevel.Error, second, "The event loop's ExceptionHandler threw; what it was told follows.");
            }
        }
        TryLog(LogLevel.Error, exception, callback is null ? message : $"{message} Callback: {callback}.");
    }

    /// <summary>Leaves the loop in the next iteration: for code that a throw must not cut short.</summary>
    internal void LeaveSoon(LoopAbortException exception) => Post(static exception => ExceptionDispatchInfo.Throw(exception), exception);

    /// <summary>Whether the logger wants this level; one that throws does not.</summary>
    internal bool Logs(LogLevel level)
    {
        try
        {
            return Logger.IsEnabled(level);
        }
        catch (Exception)
        {
            return false;
        }
    }

    /// <summary>Logs; a logger that throws is ignored, as it must not kill what it describes.</summary>
    internal void TryLog(LogLevel level, Exception? exception, string message)
    {
        try
        {
            if (Logger.IsEnabled(level))
            {
#pragma warning disable CA2254 // the message is data here: it comes ready made
                Logger.Log(level, exception, message);
#pragma warning restore CA2254
            }
        }
        catch (Exception)
        {
            // Nothing is left to tell it to.
        }
    }

    /// <summary>Tells <paramref name="handler"/> that its descriptor is ready.</summary>
    internal void Dispatch(IPollHandler handler, uint events)
    {
        long started = BeginWatch();
        handler.OnReady(events);
        if (started != 0)
        {
            EndWatch(started, handler);
        }
    }

    /// <summary>The time, when callbacks are watched for being slow; otherwise 0.</summary>
    internal long BeginWatch() => _slowTicks == 0 ? 0 : _clock.GetTimestamp() | 1;

    /// <summary>Warns when that was long ago. Inside another watched call: the inner one, which knows best what it is, is named, and the outer one keeps silent.</summary>
    internal void EndWatch(long started, object what)
    {
        TimeSpan took = _clock.GetElapsedTime(started);
        if (took.Ticks < _slowTicks || _slowTicks == 0)
        {
            return;
        }
        if (_slowNamed - started >= 0 && _slowNamed != 0)
        {
            return;
        }
        _slowNamed = _clock.GetTimestamp();
        Metrics.SlowCallbacks++;
        string name = CallName.Of(what);
        TryLog(LogLevel.Warning, null, $"{Name} was held for {took.TotalMilliseconds:F0} ms by {name} (threshold {SlowCallbackThreshold.TotalMilliseconds:F0} ms).");
    }

    private void RunCall(CallHandle handle)
    {
        object? callback = handle.Callback;
        long started = BeginWatch();
        Metrics.Waited(_now - handle.ReadySince);
        try
        {
            handle.Run();
        }
        catch (Exception exception) when (exception is not LoopAbortException || _closed)
        {
            // A closed loop cannot be left any more, and the others' turn comes all the same.
            Report("A callback threw.", exception, CallName.Of(callback), handle);
        }
        CallContext.Restore(_ambient);
        if (started != 0 && callback is not null)
        {
            EndWatch(started, callback);
        }
    }
}
