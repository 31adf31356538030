namespace ProtoServer;

/// <summary>Tasks on an event loop.</summary>
public static class EventLoopTasks
{
    extension(EventLoop loop)
    {
        /// <summary>The tasks that have not ended, in the order of their creation. Any thread.</summary>
        public IReadOnlyList<LoopTask> Tasks => LoopTasks.Of(loop).Snapshot();

        /// <summary>The tree of tasks with what each waits for, for people to read: as <c>python -m asyncio pstree</c>. Any thread, also while the loop hangs.</summary>
        public string DumpTasks() => TaskDump.Of(loop);

        /// <summary>Runs <paramref name="body"/> as a task of its own, from the next iteration on; <see cref="AsyncLocal{T}"/> values are taken along as they are now.</summary>
        /// <param name="body">Gets the token that <see cref="LoopTask.Cancel"/> cancels: pass it on to what it awaits.</param>
        /// <param name="name">For logs and <c>DumpTasks</c>. Default: <c>task-</c> and a number.</param>
        /// <param name="eagerStart">True calls the body at once, up to its first await that has to wait, as a plain call of an async method would.</param>
        /// <exception cref="InvalidOperationException">Another thread runs the loop: use <c>RunThreadSafeAsync</c>. Or an eager start is asked for while the loop does not run.</exception>
        /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
        public LoopTask CreateTask(Func<CancellationToken, Task> body, string? name = null, bool eagerStart = false) => loop.Create<ValueTuple>(body, name, eagerStart);

        /// <inheritdoc cref="CreateTask(EventLoop, Func{CancellationToken, Task}, string?, bool)"/>
        public LoopTask<TResult> CreateTask<TResult>(Func<CancellationToken, Task<TResult>> body, string? name = null, bool eagerStart = false) =>
            loop.Create<TResult>(body, name, eagerStart);

        /// <inheritdoc cref="CreateTask(EventLoop, Func{CancellationToken, Task}, string?, bool)"/>
        public LoopTask CreateTask(Func<Task> body, string? name = null, bool eagerStart = false)
        {
            ArgumentNullException.ThrowIfNull(body);
            return loop.Create<ValueTuple>(_ => body(), name, eagerStart);
        }

        /// <inheritdoc cref="CreateTask(EventLoop, Func{CancellationToken, Task}, string?, bool)"/>
        public LoopTask<TResult> CreateTask<TResult>(Func<Task<TResult>> body, string? name = null, bool eagerStart = false)
        {
            ArgumentNullException.ThrowIfNull(body);
            return loop.Create<TResult>(_ => body(), name, eagerStart);
        }

        /// <summary>Runs <paramref name="body"/> as a task on the loop and brings its outcome to the caller, whatever thread that is. Any thread.</summary>
        /// <remarks>Source: asyncio's <c>run_coroutine_threadsafe</c>.</remarks>
        /// <param name="body">Called on the loop.</param>
        /// <param name="name">As for <c>CreateTask</c>.</param>
        /// <param name="cancellationToken">Cancels the task; what the body makes of it is the outcome.</param>
        /// <exception cref="ObjectDisposedException">The loop is closed, or closes before the task has ended.</exception>
        public Task<TResult> RunThreadSafeAsync<TResult>(Func<CancellationToken, Task<TResult>> body, string? name = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(body);
            return loop.RunElsewhere<TResult>(body, name, cancellationToken);
        }

        /// <inheritdoc cref="RunThreadSafeAsync{TResult}(EventLoop, Func{CancellationToken, Task{TResult}}, string?, CancellationToken)"/>
        public Task RunThreadSafeAsync(Func<CancellationToken, Task> body, string? name = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(body);
            return loop.RunElsewhere<ValueTuple>(body, name, cancellationToken);
        }

        private LoopTask<TResult> Create<TResult>(Func<CancellationToken, Task> body, string? name, bool eagerStart)
        {
            ArgumentNullException.ThrowIfNull(body);
            ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
            loop.VerifyThread();
            if (eagerStart && !loop.IsLoopThread)
            {
                throw new InvalidOperationException("An eager start needs the running loop: create the task from a callback, or without eagerStart.");
            }
            return new LoopTask<TResult>(loop, body, name, eagerStart);
        }

        private async Task<TResult> RunElsewhere<TResult>(Func<CancellationToken, Task> body, string? name, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
            cancellationToken.ThrowIfCancellationRequested();
            var begun = new TaskCompletionSource<LoopTask<TResult>>(TaskCreationOptions.RunContinuationsAsynchronously);
            ExecutionContext? context = CallContext.Capture();
            loop.CallSoonThreadSafe(() =>
            {
                if (context is not null)
                {
                    ExecutionContext.Restore(context);
                }
                var task = new LoopTask<TResult>(loop, body, name, eagerStart: false);
                task.Observe();
                begun.SetResult(task);
            });
            Task closed = LoopTasks.Of(loop).Closed;
            ObjectDisposedException.ThrowIf(await Task.WhenAny(begun.Task, closed).ConfigureAwait(false) == closed, loop);
            LoopTask<TResult> created = await begun.Task.ConfigureAwait(false);
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static task => ((LoopTask)task!).Cancel(), created);
            Task<TResult> outcome = created.Task;
            ObjectDisposedException.ThrowIf(await Task.WhenAny(outcome, closed).ConfigureAwait(false) == closed, loop);
            return await outcome.ConfigureAwait(false);
        }
    }
}
