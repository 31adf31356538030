using System.Runtime.ExceptionServices;

namespace ProtoServer;

/// <summary>Tasks that end together: no child outlives <see cref="RunAsync"/>, the first failure cancels the others, and every failure is told.</summary>
/// <remarks>Loop thread only, except <see cref="Cancel"/>. Source: <see href="https://docs.python.org/3/library/asyncio-task.html#task-groups">asyncio, Task Groups</see>.</remarks>
#pragma warning disable CA1001 // a CancellationTokenSource without a timer and without a wait handle holds nothing to release
public sealed class TaskGroup
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly CancellationToken _outside; // of the surrounding task, group or timeout, or the caller's own
    private readonly HashSet<LoopTask> _children = [];
    private readonly List<Exception> _errors = [];
    private TaskCompletionSource? _empty; // completed when the last child has ended
    private bool _ending; // cancelled or failed: nothing may be begun
    private bool _cancelledFromOutside;
    private bool _bodyEnded;
    private bool _finished;

    private TaskGroup(EventLoop loop, CancellationToken outside)
    {
        Loop = loop;
        _outside = outside;
    }

    /// <summary>The loop that runs it.</summary>
    public EventLoop Loop { get; }

    /// <summary>For the body's own awaits: cancelled when a child fails, when the group is cancelled, and when what surrounds it is.</summary>
    public CancellationToken CancellationToken => _cancellation.Token;

    /// <summary>The children that have not ended.</summary>
    internal IReadOnlyCollection<LoopTask> Children => _children;

    /// <summary>Runs <paramref name="body"/>, then waits for every task that was created in the group.</summary>
    /// <remarks>
    /// A child that fails cancels the group: the other children, and <see cref="CancellationToken"/> for the body. A child that is cancelled does not. The cancellation of the surrounding
    /// <see cref="LoopTask"/>, group or timeout reaches the group by itself.
    /// </remarks>
    /// <param name="body">Creates the tasks; may await.</param>
    /// <param name="cancellationToken">Cancels the group from outside as well.</param>
    /// <exception cref="AggregateException">The body or children failed; holds each failure, those of their cleanup included.</exception>
    /// <exception cref="OperationCanceledException">Cancelled from outside, and nothing failed; or the body was cancelled by other means.</exception>
    /// <exception cref="InvalidOperationException">Not called on a loop's thread.</exception>
    public static async Task RunAsync(Func<TaskGroup, Task> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        EventLoop loop = EventLoop.Current ?? throw new InvalidOperationException("A task group runs on an event loop: call this from a callback or a task of one.");
        TaskScope around = TaskScope.Current;
        using CancellationTokenSource outside = CancellationTokenSource.CreateLinkedTokenSource(around.Token, cancellationToken);
        var group = new TaskGroup(loop, outside.Token);
        new TaskScope(around.Task, group.CancellationToken).Enter();
        await group.RunBodyAsync(body);
    }

    /// <summary>Creates a task that belongs to the group. Children may do this too.</summary>
    /// <exception cref="InvalidOperationException">The group has finished, or is being cancelled; the body is not called.</exception>
    /// <inheritdoc cref="EventLoopTasks.CreateTask(EventLoop, Func{CancellationToken, Task}, string?, bool)"/>
    public LoopTask CreateTask(Func<CancellationToken, Task> body, string? name = null, bool eagerStart = false)
    {
        ThrowUnlessOpen();
        return Adopt(Loop.CreateTask(body, name, eagerStart));
    }

    /// <inheritdoc cref="CreateTask(Func{CancellationToken, Task}, string?, bool)"/>
    public LoopTask<TResult> CreateTask<TResult>(Func<CancellationToken, Task<TResult>> body, string? name = null, bool eagerStart = false)
    {
        ThrowUnlessOpen();
        return Adopt(Loop.CreateTask(body, name, eagerStart));
    }

    /// <inheritdoc cref="CreateTask(Func{CancellationToken, Task}, string?, bool)"/>
    public LoopTask CreateTask(Func<Task> body, string? name = null, bool eagerStart = false)
    {
        ThrowUnlessOpen();
        return Adopt(Loop.CreateTask(body, name, eagerStart));
    }

    /// <inheritdoc cref="CreateTask(Func{CancellationToken, Task}, string?, bool)"/>
    public LoopTask<TResult> CreateTask<TResult>(Func<Task<TResult>> body, string? name = null, bool eagerStart = false)
    {
        ThrowUnlessOpen();
        return Adopt(Loop.CreateTask(body, name, eagerStart));
    }

    /// <summary>Ends the group early: body and children are cancelled, and unless something fails <see cref="RunAsync"/> returns normally. Any thread; again, or after the end, it does nothing.</summary>
    public void Cancel()
    {
        if (Loop.MayCallDirectly)
        {
            End();
        }
        else
        {
            Loop.Post(static group => group.End(), this);
        }
    }

    private async Task RunBodyAsync(Func<TaskGroup, Task> body)
    {
        OperationCanceledException? bodyCancelled = null;
        // The token may be cancelled on any thread, the group ends on its own.
        using (_outside.UnsafeRegister(static group => ((TaskGroup)group!).CancelFromOutside(), this))
        {
            try
            {
                await body(this);
            }
            catch (OperationCanceledException exception)
            {
                bodyCancelled = _ending && !_outside.IsCancellationRequested ? null : exception;
                End();
            }
            catch (Exception exception)
            {
                _errors.Add(exception);
                End();
            }
            _bodyEnded = true;
            if (_children.Count > 0)
            {
                // The state tells DumpTasks whose wait this is.
                _empty = new TaskCompletionSource(this);
                await _empty.Task;
            }
            _finished = true;
        }
        if (_errors.Count > 0)
        {
            throw new AggregateException($"{_errors.Count} {(_errors.Count == 1 ? "failure" : "failures")} in a task group.", _errors);
        }
        if (bodyCancelled is not null)
        {
            ExceptionDispatchInfo.Throw(bodyCancelled);
        }
        if (_cancelledFromOutside)
        {
            throw new OperationCanceledException(_outside);
        }
    }

    private void CancelFromOutside()
    {
        if (!Loop.IsLoopThread)
        {
            Loop.Post(static group => group.CancelFromOutside(), this);
            return;
        }
        if (!_finished)
        {
            _cancelledFromOutside = true;
            End();
        }
    }

    private void End()
    {
        if (_ending || _finished)
        {
            return;
        }
        _ending = true;
        Loop.CancelDeferred(_cancellation, nameof(CancellationToken), this);
        foreach (LoopTask child in _children.ToArray())
        {
            child.Cancel();
        }
    }

    private void ThrowUnlessOpen()
    {
        Loop.VerifyThread();
        if (_finished || (_bodyEnded && _children.Count == 0))
        {
            throw new InvalidOperationException("The task group has finished: create its tasks before RunAsync returns.");
        }
        if (_ending)
        {
            throw new InvalidOperationException("The task group is being cancelled: nothing can be begun in it any more.");
        }
    }

    private TTask Adopt<TTask>(TTask task) where TTask : LoopTask
    {
        task.Observe();
        task.Ended = OnEnded;
        _children.Add(task);
        if (_ending)
        {
            // An eager start has ended the group.
            task.Cancel();
        }
        return task;
    }

    private void OnEnded(LoopTask child)
    {
        _children.Remove(child);
        if (child.Outcome is { IsFaulted: true } failed)
        {
            _errors.AddRange(failed.Exception!.InnerExceptions);
            End();
        }
        if (_children.Count == 0)
        {
            _empty?.TrySetResult();
        }
    }
}
