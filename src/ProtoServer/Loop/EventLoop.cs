namespace ProtoServer;

/// <summary>One thread that polls, dispatches and calls back: asyncio's event loop.</summary>
public sealed partial class EventLoop
{
    /// <summary>Any thread: schedules <paramref name="callback"/> and wakes the loop.</summary>
    public void CallSoonThreadSafe(Action callback) => ExceptionHandler?.Invoke(new InvalidOperationException(callback.ToString()));
    /// <summary>Gets what is not handled elsewhere.</summary>
    public Action<Exception>? ExceptionHandler { get; set; }
}
