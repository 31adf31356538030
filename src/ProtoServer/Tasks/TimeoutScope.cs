namespace ProtoServer;

/// <summary>A deadline for everything that a body awaits with the scope's token; it may be moved while it runs.</summary>
/// <remarks>
/// For one await, <c>WaitAsync(timeout, loop.TimeProvider)</c> is enough. Loop thread only.
/// Source: <see href="https://docs.python.org/3/library/asyncio-task.html#timeouts">asyncio, Timeouts</see>.
/// </remarks>
public sealed class TimeoutScope
{
    private readonly EventLoop _loop;
    private readonly CancellationTokenSource _cancellation;
    private CallHandle? _timer;
    private bool _finished;

    private TimeoutScope(EventLoop loop, CancellationTokenSource cancellation)
    {
        _loop = loop;
        _cancellation = cancellation;
        CancellationToken = cancellation.Token;
    }

    /// <summary>Cancelled at the deadline, and when the surrounding task, group or timeout is.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The deadline on <see cref="EventLoop.Time"/>; null when there is none.</summary>
    public TimeSpan? When { get; private set; }

    /// <summary>Whether the deadline passed while the body ran.</summary>
    public bool IsExpired { get; private set; }

    /// <summary>Runs <paramref name="body"/>; at the deadline its token is cancelled, and the cancellation that comes out of it becomes a <see cref="TimeoutException"/>.</summary>
    /// <remarks>Only its own: a cancellation from outside, or an inner or outer scope's, stays what it is. A body that handles its cancellation and returns has returned, see <see cref="IsExpired"/>.</remarks>
    /// <param name="delay">Zero and less expire in the next iteration; <see cref="Timeout.InfiniteTimeSpan"/> never.</param>
    /// <param name="body">Passes the scope's token on to what it awaits.</param>
    /// <param name="cancellationToken">Cancels the body from outside as well.</param>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    /// <exception cref="InvalidOperationException">Not called on a loop's thread.</exception>
    public static async Task<TResult> RunAsync<TResult>(TimeSpan delay, Func<TimeoutScope, Task<TResult>> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        EventLoop loop = EventLoop.Current ?? throw new InvalidOperationException("A timeout scope runs on an event loop: call this from a callback or a task of one.");
        TaskScope around = TaskScope.Current;
        using CancellationTokenSource cancellation = CancellationTokenSource.CreateLinkedTokenSource(around.Token, cancellationToken);
        var scope = new TimeoutScope(loop, cancellation);
        new TaskScope(around.Task, scope.CancellationToken).Enter();
        scope.Reschedule(delay == Timeout.InfiniteTimeSpan ? null : loop.Time + delay);
        try
        {
            return await body(scope);
        }
        catch (OperationCanceledException exception) when (scope.IsExpired && !around.Token.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"Not done by the deadline, {scope.When}.", exception);
        }
        finally
        {
            scope._finished = true;
            scope._timer?.Cancel();
        }
    }

    /// <inheritdoc cref="RunAsync{TResult}(TimeSpan, Func{TimeoutScope, Task{TResult}}, CancellationToken)"/>
    public static Task RunAsync(TimeSpan delay, Func<TimeoutScope, Task> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunAsync(
            delay,
            async scope =>
            {
                await body(scope);
                return default(ValueTuple);
            },
            cancellationToken);
    }

    /// <summary>Moves the deadline.</summary>
    /// <param name="when">On <see cref="EventLoop.Time"/>; past: expires in the next iteration. Null: no deadline.</param>
    /// <exception cref="InvalidOperationException">The scope has expired or ended.</exception>
    public void Reschedule(TimeSpan? when)
    {
        _loop.VerifyThread();
        if (IsExpired || _finished)
        {
            throw new InvalidOperationException($"The timeout has {(IsExpired ? "expired" : "ended")}: it cannot be moved any more.");
        }
        _timer?.Cancel();
        When = when;
        _timer = when is { } due ? _loop.CallAt(due, static scope => scope.Expire(), this) : null;
    }

    private void Expire()
    {
        _timer = null;
        IsExpired = true;
        _loop.CancelDeferred(_cancellation, nameof(CancellationToken), this);
    }
}
