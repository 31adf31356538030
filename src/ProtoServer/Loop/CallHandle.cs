using System.Diagnostics;

namespace ProtoServer;

/// <summary>A scheduled call: what <see cref="EventLoop.CallSoon(Action)"/> and its siblings return, to cancel it by.</summary>
/// <remarks>
/// Loop thread only, except for handles from <see cref="EventLoop.CallSoonThreadSafe(Action)"/>, whose <see cref="Cancel"/> may come from any thread.
/// Callback and state are released as soon as the call ran or was cancelled.
/// </remarks>
public abstract class CallHandle
{
    // Pending is 0: a fresh handle needs no store.
    private const int Cancelled = 1;
    private const int Done = 2;

    private int _state;

    internal CallHandle(EventLoop loop)
    {
        Loop = loop;
        if (loop.Debug)
        {
            CreationStack = new StackTrace(2, fNeedFileInfo: true);
        }
    }

    internal EventLoop Loop { get; }

    /// <summary>The next handle in the loop's inbox.</summary>
    internal CallHandle? NextInInbox { get; set; }

    /// <summary>Since when the call waits for its turn, in ticks of the loop's time.</summary>
    internal long ReadySince { get; set; }

    /// <summary>Whether the handle waits in the timer queue.</summary>
    internal bool IsTimer { get; set; }

    /// <summary>Whether <see cref="Cancel"/> came before the call.</summary>
    public bool IsCancelled => _state == Cancelled;

    /// <summary>Where the call was scheduled; null unless <see cref="EventLoop.Debug"/> was on.</summary>
    public StackTrace? CreationStack { get; }

    /// <summary>The callback's name, such as <c>Chat.Sweep</c>; empty once it was released.</summary>
    public string CallbackName => CallName.Of(Callback);

    /// <summary>What will be called; null once it was released.</summary>
    internal abstract object? Callback { get; }

    /// <summary>Takes the call back: it will not run, if it has not begun. Again, or afterwards, this does nothing.</summary>
    /// <exception cref="InvalidOperationException">A timer, on another thread than the loop's.</exception>
    /// <remarks>O(1). On a thread-safe handle this waits until a call that is running on the loop has ended, unless the caller is that call.</remarks>
    public virtual void Cancel()
    {
        if (_state != 0)
        {
            return;
        }
        if (IsTimer)
        {
            // The heap is the loop's.
            Loop.VerifyThread();
        }
        _state = Cancelled;
        Release();
        if (IsTimer)
        {
            Loop.TimerCancelled();
        }
    }

    /// <summary>Runs the call unless it was cancelled; what it throws goes to the loop.</summary>
    internal virtual void Run()
    {
        if (_state == 0)
        {
            _state = Done;
            Invoke();
        }
    }

    /// <summary>Calls the callback, having released it first.</summary>
    private protected abstract void Invoke();

    private protected abstract void Release();

    /// <inheritdoc/>
    public override string ToString() => IsCancelled ? "<CallHandle cancelled>" : $"<CallHandle {CallbackName}{(_state == Done ? " done" : "")}>";
}

/// <summary>A call with its state passed beside it, so that scheduling allocates this handle and nothing else.</summary>
internal sealed class CallHandle<TState>(EventLoop loop, Action<TState> callback, TState state) : CallHandle(loop)
{
    private Action<TState>? _callback = callback;
    private TState _state = state;

    internal override object? Callback => CallName.InState(_state) ?? _callback;

    private protected override void Invoke()
    {
        Action<TState> callback = _callback!;
        TState state = _state;
        Release();
        callback(state);
    }

    private protected override void Release()
    {
        _callback = null;
        _state = default!;
    }
}

/// <summary>A call that any thread may cancel: a lock orders the cancel and the call.</summary>
internal sealed class ThreadSafeCallHandle<TState>(EventLoop loop, Action<TState> callback, TState state) : CallHandle(loop)
{
    private readonly Lock _running = new();
    private Action<TState>? _callback = callback;
    private TState _state = state;

    internal override object? Callback => CallName.InState(_state) ?? _callback;

    public override void Cancel()
    {
        lock (_running)
        {
            base.Cancel();
        }
    }

    internal override void Run()
    {
        lock (_running)
        {
            base.Run();
        }
    }

    private protected override void Invoke()
    {
        Action<TState> callback = _callback!;
        TState state = _state;
        Release();
        callback(state);
    }

    private protected override void Release()
    {
        _callback = null;
        _state = default!;
    }
}
