using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary><c>EventLoop.Run</c>: asyncio.run.</summary>
public static class EventLoopRunner
{
    extension(EventLoop)
    {
        /// <summary>Makes a loop on the calling thread, runs <paramref name="main"/> on it to its end, and closes the loop.</summary>
        /// <remarks>
        /// The first Ctrl-C or SIGTERM cancels <see cref="EventLoop.ShutdownToken"/>: servers that are served for ever drain and return. The second one ends the process at once.
        /// Source: <see href="https://docs.python.org/3/library/asyncio-runner.html">asyncio, Runners</see>.
        /// </remarks>
        /// <param name="main">Gets the loop; called on it.</param>
        /// <param name="options">Null: all defaults.</param>
        /// <exception cref="InvalidOperationException">This thread already runs a loop.</exception>
        public static void Run(Func<EventLoop, Task> main, EventLoopOptions? options = null)
        {
            ArgumentNullException.ThrowIfNull(main);
            using var loop = new EventLoop(options);
            int signals = 0;
            void OnSignal(PosixSignalContext context)
            {
                // On the runtime's signal thread: the second one takes its default action even when the loop hangs in a callback.
                if (Interlocked.Increment(ref signals) == 1)
                {
                    context.Cancel = true;
                    loop.Post(static loop => loop.RequestShutdown(), loop);
                }
            }
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
            loop.RunUntilComplete(() => main(loop));
        }
    }
}
