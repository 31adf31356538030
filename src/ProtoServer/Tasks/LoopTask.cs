using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace ProtoServer;

/// <summary>A body that runs on the loop on its own account: what <c>loop.CreateTask</c> returns. asyncio's Task, where a .NET <see cref="System.Threading.Tasks.Task"/> is its future.</summary>
/// <remarks>
/// Begins in the loop's next iteration, never inside the creator; held by the loop until it has ended; and when it fails while nobody awaits it, that is reported at its end.
/// Any thread, except where said. Source: <see href="https://docs.python.org/3/library/asyncio-task.html#task-object">asyncio, Task Object</see>.
/// </remarks>
#pragma warning disable CA1001 // a CancellationTokenSource without a timer and without a wait handle holds nothing to release
public abstract class LoopTask
#pragma warning restore CA1001
{
    private static long s_count;

    private readonly CancellationTokenSource _cancellation = new();
    private string? _cancelMessage;
    private int _cancelCount;
    private volatile bool _awaited;
    private volatile bool _started;

    private protected LoopTask(EventLoop loop, string? name)
    {
        Loop = loop;
        Number = Interlocked.Increment(ref s_count);
        Name = name ?? $"task-{Number}";
    }

    /// <summary>The task that the caller runs in; null outside of tasks, such as in a protocol's callback, and on other threads than the loop's.</summary>
    public static LoopTask? Current => TaskScope.Current.Task is { } task && task.Loop == EventLoop.Current ? task : null;

    /// <summary>The loop that runs it.</summary>
    public EventLoop Loop { get; }

    /// <summary>For logs and <c>DumpTasks</c>. Default: <c>task-</c> and a number.</summary>
    public string Name { get; set; }

    /// <summary>The outcome as the runtime's own task, for <see cref="Task.WhenAll(IEnumerable{System.Threading.Tasks.Task})"/>, <c>WaitAsync</c> and the like. Who takes it counts as awaiting it.</summary>
    public Task Task
    {
        get
        {
            _awaited = true;
            return Outcome ?? throw new InvalidOperationException($"Task {Name} is being started: its outcome can be awaited once CreateTask has returned.");
        }
    }

    /// <summary>Cancelled by <see cref="Cancel"/>; what the body was given.</summary>
    public CancellationToken CancellationToken => _cancellation.Token;

    /// <summary><see cref="TaskStatus.WaitingToRun"/> until the body is called, <see cref="TaskStatus.WaitingForActivation"/> until it has ended, then how it ended.</summary>
    public TaskStatus Status => IsCompleted ? Outcome!.Status : _started ? TaskStatus.WaitingForActivation : TaskStatus.WaitingToRun;

    /// <summary>Whether it has ended, in whatever way.</summary>
    public bool IsCompleted => Outcome is { IsCompleted: true };

    /// <summary>Whether it ended by an <see cref="OperationCanceledException"/>.</summary>
    public bool IsCancelled => Outcome is { IsCanceled: true };

    /// <summary>Whether it ended by another exception.</summary>
    public bool IsFaulted => Outcome is { IsFaulted: true };

    /// <summary>How often <see cref="Cancel"/> was called before the end. A timeout or a group inside the task cancels its own token, and does not count here.</summary>
    public int CancelCount => Volatile.Read(ref _cancelCount);

    /// <summary>Grows with each task of the process: the order of creation.</summary>
    internal long Number { get; }

    /// <summary>Called on the loop when it has ended.</summary>
    internal Action<LoopTask>? Ended { get; set; }

    /// <summary>The outcome, looked at without counting as awaited; null while an eager start is under way.</summary>
    internal abstract Task? Outcome { get; }

    /// <summary>Asks the body to end: its token is cancelled. A body that was not called yet never is; one that passes the token on sees the cancellation where it awaits, in a later iteration and never inside this call.</summary>
    /// <remarks>From another thread it takes effect once the loop gets to it. What was not given the token is shielded from it. A body may catch the exception and return normally.</remarks>
    /// <param name="message">What the exception says; null: the runtime's own words.</param>
    /// <returns>Whether it came in time: false when the task has ended.</returns>
    public bool Cancel(string? message = null)
    {
        if (IsCompleted)
        {
            return false;
        }
        Interlocked.Increment(ref _cancelCount);
        Interlocked.CompareExchange(ref _cancelMessage, message, null);
        if (Loop.MayCallDirectly)
        {
            Loop.CancelDeferred(_cancellation, nameof(CancellationToken), this);
        }
        else
        {
            Loop.Post(static task => task.Loop.CancelDeferred(task._cancellation, nameof(CancellationToken), task), this);
        }
        return true;
    }

    /// <summary>Awaits the end, and rethrows what ended it.</summary>
    /// <exception cref="InvalidOperationException">The task awaits itself: it would never go on.</exception>
    public TaskAwaiter GetAwaiter()
    {
        ThrowIfSelf();
        return Task.GetAwaiter();
    }

    /// <inheritdoc/>
    public override string ToString() => $"<LoopTask {Name} {Status}>";

    /// <summary>Counts as awaited: somebody takes care of a failure.</summary>
    internal void Observe() => _awaited = true;

    private protected void ThrowIfSelf()
    {
        if (Current == this && !IsCompleted)
        {
            throw new InvalidOperationException($"Task {Name} cannot await itself: it would never go on.");
        }
    }

    /// <summary>First part of a run, in its own flow: who asks for <see cref="Current"/> from here on gets this task.</summary>
    private protected void EnterScope()
    {
        new TaskScope(this, CancellationToken).Enter();
        LoopTasks.Of(Loop).Add(this);
    }

    /// <exception cref="OperationCanceledException">Cancelled before it began.</exception>
    private protected void Begin()
    {
        CancellationToken.ThrowIfCancellationRequested();
        _started = true;
    }

    /// <summary>A cancellation says why it was asked for.</summary>
    private protected Exception Describe(Exception exception) =>
        exception is OperationCanceledException && _cancelMessage is not null ? new OperationCanceledException(_cancelMessage, exception, CancellationToken) : exception;

    /// <summary>Last part of a run, just before the outcome is set.</summary>
    private protected void End(Exception? failure)
    {
        LoopTasks.Of(Loop).Remove(this);
        if (failure is LoopAbortException)
        {
            Loop.Post(static exception => ExceptionDispatchInfo.Throw(exception), failure);
        }
        // After this step, when the outcome is set.
        Loop.Post(static call => call.task.TellEnded(call.failure), (task: this, failure));
    }

    private void TellEnded(Exception? failure)
    {
        Ended?.Invoke(this);
        if (_awaited || failure is null or OperationCanceledException or LoopAbortException)
        {
            return;
        }
        // Told here once, so not a second time when the task is collected.
        _ = Outcome!.Exception;
        Loop.Report($"Task {Name} failed, and nobody awaited it.", failure, null, this);
    }
}
