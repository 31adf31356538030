using System.Threading.Tasks.Sources;

namespace ProtoServer;

/// <summary>The waiting half of a reusable <see cref="IValueTaskSource{TResult}"/> whose continuation runs inline on the loop. Loop thread only; made when something first waits.</summary>
/// <remarks>
/// Not <see cref="ManualResetValueTaskSourceCore{TResult}"/>: that one posts to a captured SynchronizationContext even when it is the current one, which would
/// cost an iteration for every read.
/// </remarks>
internal sealed class LoopCompletion
{
    private Action<object?>? _continuation;
    private object? _state;
    private bool _signalled;

    public short Version { get; private set; }

    /// <summary>Begins the next wait.</summary>
    public void Reset()
    {
        Version++;
        _signalled = false;
        _continuation = null;
        _state = null;
    }

    public ValueTaskSourceStatus GetStatus(short token)
    {
        Verify(token);
        return _signalled ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    public void Verify(short token)
    {
        if (token != Version)
        {
            throw new InvalidOperationException("A ValueTask was used after it had completed: await each one once.");
        }
    }

    public void OnCompleted(EventLoop loop, Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Verify(token);
        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0 && ExecutionContext.Capture() is { } context)
        {
            // Rare: an await flows its context itself. Only a bare OnCompleted asks for this.
            (continuation, state) = (RunInContext, (context, continuation, state));
        }
        if (_signalled)
        {
            loop.Post(continuation, state);
            return;
        }
        if (_continuation is not null)
        {
            throw new InvalidOperationException("Two awaits on one operation are not supported.");
        }
        _continuation = continuation;
        _state = state;
    }

    /// <summary>Ends the wait and runs the continuation, if one is there already.</summary>
    public void Signal()
    {
        _signalled = true;
        if (_continuation is { } continuation)
        {
            object? state = _state;
            _continuation = null;
            _state = null;
            continuation(state);
        }
    }

    private static void RunInContext(object? call)
    {
        var (context, continuation, state) = ((ExecutionContext, Action<object?>, object?))call!;
        ExecutionContext.Run(context, new ContextCallback(continuation), state);
    }
}
