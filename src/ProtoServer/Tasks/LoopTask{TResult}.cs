using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace ProtoServer;

/// <summary>A <see cref="LoopTask"/> with a result.</summary>
/// <typeparam name="TResult">What the body returns.</typeparam>
public sealed class LoopTask<TResult> : LoopTask
{
    private readonly Task<TResult>? _outcome;

    internal LoopTask(EventLoop loop, Func<CancellationToken, Task> body, string? name, bool eagerStart) : base(loop, name)
    {
        _outcome = RunAsync(body, eagerStart);
    }

    /// <inheritdoc cref="LoopTask.Task"/>
    public new Task<TResult> Task => (Task<TResult>)base.Task;

    internal override Task? Outcome => _outcome;

    /// <inheritdoc cref="LoopTask.GetAwaiter"/>
    public new TaskAwaiter<TResult> GetAwaiter()
    {
        ThrowIfSelf();
        return Task.GetAwaiter();
    }

    private async Task<TResult> RunAsync(Func<CancellationToken, Task> body, bool eagerStart)
    {
        EnterScope();
        bool endedInline = eagerStart;
        TResult? result = default;
        Exception? failure = null;
        try
        {
            if (!eagerStart)
            {
                await new LoopTurn(Loop);
            }
            Begin();
            Task running = body(CancellationToken) ?? throw new InvalidOperationException($"The body of task {Name} returned null instead of a task.");
            endedInline &= running.IsCompleted;
            await running;
            // A body without a result comes here as well.
            result = running is Task<TResult> withResult ? await withResult : default;
        }
        catch (Exception exception)
        {
            failure = Describe(exception);
        }
        int cancelsSeen = CancelCount;
        if (!endedInline)
        {
            // Who awaits goes on an iteration later, and not inside the body's last step; until then a cancel is still in time.
            await new LoopTurn(Loop);
        }
        if (failure is null && CancelCount != cancelsSeen)
        {
            failure = Describe(new OperationCanceledException(CancellationToken));
        }
        End(failure);
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
        return result!;
    }
}
