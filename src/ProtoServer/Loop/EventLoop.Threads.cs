namespace ProtoServer;

// A loop with a thread of its own, and how any loop ends.
public sealed partial class EventLoop
{
    private readonly List<Action> _closing = [];
    private readonly Dictionary<Type, object> _locals = [];
    private readonly Lock _closingGate = new();
    private Thread? _ownThread;

    /// <summary>Makes a loop and runs it on a background thread of its own, for embedding in an app. Any thread.</summary>
    /// <returns>The running loop: members marked <i>any thread</i> may be called at once; dispose it to stop and join the thread.</returns>
    public static EventLoop Start(EventLoopOptions? options = null)
    {
        var loop = new EventLoop(options);
        var running = new ManualResetEventSlim();
        loop.CallSoon(running.Set);
        loop._ownThread = new Thread(loop.RunOnOwnThread) { Name = $"ProtoServer {loop.Name}", IsBackground = true };
        // Unsafe: the loop lives longer than whatever its maker's contexts describe.
        loop._ownThread.UnsafeStart();
        running.Wait();
        running.Dispose();
        return loop;
    }

    /// <summary>Loop thread: <paramref name="callback"/> runs when the loop closes, last registered first. Returns what to call to take it back.</summary>
    internal Action OnClosing(Action callback)
    {
        lock (_closing)
        {
            _closing.Add(callback);
        }
        return () =>
        {
            lock (_closing)
            {
                _closing.Remove(callback);
            }
        };
    }

    /// <summary>What another room keeps per loop, made at first use. Any thread.</summary>
    internal T Local<T>(Func<EventLoop, T> make) where T : class
    {
        lock (_locals)
        {
            if (!_locals.TryGetValue(typeof(T), out object? local))
            {
                local = make(this);
                _locals.Add(typeof(T), local);
            }
            return (T)local;
        }
    }

    private void RunOnOwnThread()
    {
        while (true)
        {
            try
            {
                RunForever();
                return;
            }
            catch (LoopAbortException exception)
            {
                // There is no caller to throw to; without its loop the app would hang silently.
                Report("A callback left the loop; its thread goes on with the next iteration.", exception, null, this);
            }
        }
    }

    // No thread runs the loop here: this one takes its place, so that the last callbacks of connections find themselves on the loop.
    private void CloseAll()
    {
        if (Interlocked.CompareExchange(ref _thread, Environment.CurrentManagedThreadId, 0) != 0)
        {
            throw new InvalidOperationException("The event loop is running: call Stop() and let the run return before closing it.");
        }
        EventLoop? previousLoop = t_current;
        SynchronizationContext? previousContext = SynchronizationContext.Current;
        t_current = this;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            // One that is called may take others back.
            while (_closing.Count > 0)
            {
                Action last = _closing[^1];
                _closing.RemoveAt(_closing.Count - 1);
                Guard(last, "Closing the loop");
            }
            foreach (IPollHandler handler in Poller.Handlers)
            {
                Guard(handler.OnLoopClosing, "Closing the loop");
            }
            // The callbacks that these ends scheduled: connection_lost and what follows from it. Bounded, for a callback may schedule itself for ever.
            _closed = true;
            for (int rounds = 0; rounds < 16 && (_ready.Count > 0 || !_inbox.IsEmpty || !_flushes.IsEmpty); rounds++)
            {
                _inbox.DrainTo(_ready);
                for (int count = _ready.Count; count > 0; count--)
                {
                    RunCall(_ready.Dequeue());
                }
                _flushes.FlushAll();
            }
        }
        finally
        {
            t_current = previousLoop;
            SynchronizationContext.SetSynchronizationContext(previousContext);
            Volatile.Write(ref _thread, 0);
            _closed = true;
            Poller.Dispose();
        }
    }

    private void Guard(Action action, string what)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Report($"{what} met an error and goes on.", exception, null, this);
        }
    }
}
