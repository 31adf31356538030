namespace ProtoServer;

/// <summary>Blocking calls beside an event loop.</summary>
public static class EventLoopExecutor
{
    extension(EventLoop loop)
    {
        /// <summary>Runs a call that blocks on a thread of the loop's executor, while the loop goes on. Any thread; an await on the loop resumes on the loop.</summary>
        /// <remarks>
        /// At most <see cref="EventLoopOptions.ExecutorThreads"/> at a time, the others in line. <see cref="AsyncLocal{T}"/> values are taken along.
        /// Source: asyncio's <c>run_in_executor</c> and <c>to_thread</c>.
        /// </remarks>
        /// <param name="work">Called on another thread: it must not touch what belongs to the loop.</param>
        /// <param name="cancellationToken">Work that has not begun is not begun; work that has goes on to its end, but is no longer waited for.</param>
        /// <exception cref="InvalidOperationException">The loop is closing.</exception>
        public Task<TResult> RunInExecutorAsync<TResult>(Func<TResult> work, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(work);
            var done = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            ExecutionContext? context = CallContext.Capture();
            LoopExecutor.Of(loop).Add(() => RunWork(loop, work, context, done, cancellationToken));
            return done.Task.WaitAsync(cancellationToken);
        }

        /// <inheritdoc cref="RunInExecutorAsync{TResult}(EventLoop, Func{TResult}, CancellationToken)"/>
        public Task RunInExecutorAsync(Action work, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(work);
            return loop.RunInExecutorAsync(
                () =>
                {
                    work();
                    return default(ValueTuple);
                },
                cancellationToken);
        }

        /// <summary>Lets the executor finish what it has, joins its threads, and warns of those that are not done within <see cref="EventLoopOptions.ShutdownTimeout"/>. <c>EventLoop.Run</c> and closing do this.</summary>
        public async Task ShutdownExecutorAsync()
        {
            LoopExecutor executor = LoopExecutor.Of(loop);
            if (!executor.HasThreads)
            {
                executor.Join(TimeSpan.Zero);
                return;
            }
            var joined = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            // Joined elsewhere: what the threads finish meanwhile must get back to the loop.
            new Thread(() =>
            {
                executor.Join(loop.Options.ShutdownTimeout);
                joined.SetResult();
            })
            { Name = $"ProtoServer {loop.Name} executor join", IsBackground = true }.UnsafeStart();
            await joined.Task;
        }
    }

    private static Action RunWork<TResult>(EventLoop loop, Func<TResult> work, ExecutionContext? context, TaskCompletionSource<TResult> done, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return () => done.SetCanceled(cancellationToken);
        }
        ExecutionContext? own = ExecutionContext.Capture();
        try
        {
            if (context is not null)
            {
                ExecutionContext.Restore(context);
            }
            TResult result = work();
            return () => done.SetResult(result);
        }
        catch (OperationCanceledException exception)
        {
            return () => done.SetCanceled(exception.CancellationToken);
        }
        catch (Exception exception)
        {
            return () => Fail(loop, done, exception, cancellationToken);
        }
        finally
        {
            CallContext.Restore(own);
        }
    }

    private static void Fail<TResult>(EventLoop loop, TaskCompletionSource<TResult> done, Exception exception, CancellationToken cancellationToken)
    {
        done.SetException(exception);
        if (cancellationToken.IsCancellationRequested)
        {
            // Nobody waits for it any more.
            _ = done.Task.Exception;
            loop.Post(static call => call.loop.Report("Work on an executor thread failed after it had been cancelled.", call.exception, null, null), (loop, exception));
        }
    }
}
