using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>The threads of one loop for calls that block. Any thread.</summary>
/// <remarks>Own threads, and not the runtime's pool: a pool that is blocked full would stall everything else in the process that uses it.</remarks>
internal sealed class LoopExecutor
{
    private readonly EventLoop _loop;
    private readonly BlockingCollection<Func<Action>> _work = [];
    private readonly List<Thread> _threads = [];
    private int _unfinished; // in line or under way
    private bool _joined;

    private LoopExecutor(EventLoop loop)
    {
        _loop = loop;
        // For a loop that is closed without EventLoop.Run.
        loop.OnClosing(() => Join(loop.Options.ShutdownTimeout));
    }

    public static LoopExecutor Of(EventLoop loop) => loop.Local(static loop => new LoopExecutor(loop));

    /// <summary>Whether there is anything to join.</summary>
    public bool HasThreads
    {
        get
        {
            lock (_threads)
            {
                return _threads.Count > 0;
            }
        }
    }

    /// <param name="work">Gives back what tells its caller of the end: by then its thread counts as free, so that one call after the other is one thread.</param>
    /// <exception cref="InvalidOperationException">The executor was shut down.</exception>
    public void Add(Func<Action> work)
    {
        lock (_threads)
        {
            if (_work.IsAddingCompleted)
            {
                throw new InvalidOperationException($"The executor of {_loop.Name} was shut down: the loop is closing.");
            }
            _work.Add(work);
            // Not idle threads against waiting work: a thread that has just taken a call would still look idle, and the next call might wait behind one that waits for it.
            if (Interlocked.Increment(ref _unfinished) > _threads.Count && _threads.Count < _loop.Options.ExecutorThreads)
            {
                var thread = new Thread(RunAll) { Name = $"ProtoServer {_loop.Name} executor {_threads.Count + 1}", IsBackground = true };
                _threads.Add(thread);
                // Unsafe: each piece of work brings its own context.
                thread.UnsafeStart();
            }
        }
    }

    /// <summary>Takes no more work and waits for what there is; warns of threads that are still busy at the end of <paramref name="timeout"/>. Blocks.</summary>
    public void Join(TimeSpan timeout)
    {
        Thread[] threads;
        lock (_threads)
        {
            if (_joined)
            {
                return;
            }
            _joined = true;
            _work.CompleteAdding();
            threads = [.. _threads];
        }
        TimeSpan deadline = _loop.Time + timeout;
        List<string> late = [];
        foreach (Thread thread in threads)
        {
            TimeSpan rest = deadline - _loop.Time;
            if (!thread.Join(rest > TimeSpan.Zero ? rest : TimeSpan.Zero))
            {
                late.Add(thread.Name!);
            }
        }
        if (late.Count > 0)
        {
            _loop.TryLog(LogLevel.Warning, null, $"Work on executor threads did not end within {timeout} and is left behind: {string.Join(", ", late)}.");
        }
    }

    private void RunAll()
    {
        foreach (Func<Action> work in _work.GetConsumingEnumerable())
        {
            Action tell = work();
            Interlocked.Decrement(ref _unfinished);
            tell();
        }
    }
}
