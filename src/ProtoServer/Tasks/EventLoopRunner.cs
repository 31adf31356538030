namespace ProtoServer;

/// <summary><c>EventLoop.Run</c>: asyncio.run.</summary>
public static class EventLoopRunner
{
    extension(EventLoop)
    {
        /// <summary>Makes a loop on the calling thread, runs <paramref name="main"/> on it as a task to its end, and closes everything in order.</summary>
        /// <remarks>
        /// The first Ctrl-C or SIGTERM cancels <see cref="EventLoop.ShutdownToken"/> and the main task, whose cleanup may still await; servers that are served for ever drain and return.
        /// The second one ends the process at once. SIGQUIT logs <c>DumpTasks</c>. Afterwards, each step even when the one before failed, and none longer than
        /// <see cref="EventLoopOptions.ShutdownTimeout"/>: tasks that are left are cancelled and awaited, async generators closed, executor threads joined, the loop closed.
        /// Source: <see href="https://docs.python.org/3/library/asyncio-runner.html">asyncio, Runners</see>.
        /// </remarks>
        /// <param name="main">Gets the loop; called on it.</param>
        /// <param name="options">Null: all defaults.</param>
        /// <exception cref="InvalidOperationException">This thread already runs a loop.</exception>
        /// <exception cref="RunInterruptedException">A signal cancelled the main task, and it ended by that.</exception>
        public static void Run(Func<EventLoop, Task> main, EventLoopOptions? options = null)
        {
            ArgumentNullException.ThrowIfNull(main);
            LoopRun.Run<ValueTuple>(main, options);
        }

        /// <inheritdoc cref="Run(Func{EventLoop, Task}, EventLoopOptions?)"/>
        /// <returns>What <paramref name="main"/> returned.</returns>
        public static TResult Run<TResult>(Func<EventLoop, Task<TResult>> main, EventLoopOptions? options = null)
        {
            ArgumentNullException.ThrowIfNull(main);
            return LoopRun.Run<TResult>(main, options);
        }
    }
}
