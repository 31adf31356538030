using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>One thread that polls, dispatches and calls back: asyncio's event loop.</summary>
/// <remarks>
/// Loop thread only, except for members marked <i>any thread</i>; a call from elsewhere throws <see cref="InvalidOperationException"/>.
/// While no thread runs the loop, any one thread may prepare it. Waiting costs nothing: an idle loop makes no system calls.
/// Source: <see href="https://docs.python.org/3/library/asyncio-eventloop.html">asyncio, Event Loop</see>.
/// </remarks>
public sealed partial class EventLoop : IDisposable
{
    [ThreadStatic]
    private static EventLoop? t_current;

    private static int s_count;

    private readonly ReadyQueue _ready = new();
    private readonly TimerQueue _timers = new();
    private readonly Inbox _inbox = new();
    private readonly FlushQueue _flushes = new();
    private readonly LoopSynchronizationContext _context;
    private readonly LoopSynchronizationContext _deferring; // another object for the same loop: an await that captured the first is then posted, not run inline
    private readonly TimeProvider _clock;
    private readonly long _clockStart;
    private readonly CancellationTokenSource _shutdown = new();
    private ExecutionContext? _ambient; // of whoever runs the loop
    private int _thread; // managed id of the thread that runs the loop, 0 while none does
    private volatile bool _stopping;
    private volatile bool _closed;

    /// <summary>A loop that is not running yet: give it work, then call <see cref="RunForever"/> or <see cref="RunUntilComplete(Func{Task})"/>.</summary>
    /// <param name="options">Null: all defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException"><c>PROTOSERVER_TRANSPORT</c> is neither <c>epoll</c> nor <c>sockets</c>.</exception>
    /// <exception cref="PlatformNotSupportedException">Epoll was asked for where there is none.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">The kernel gives no more descriptors (EMFILE, ENFILE).</exception>
    public EventLoop(EventLoopOptions? options = null)
    {
        Options = options ?? new EventLoopOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.ReceiveBufferBytes, 256, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.ReceiveBufferBytes, 1024 * 1024, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.ExecutorThreads, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.ExecutorThreads, 1024, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.ShutdownTimeout, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.ShutdownTimeout, TimeSpan.FromDays(1), nameof(options));
        Name = Options.Name ?? $"loop {Interlocked.Increment(ref s_count)}";
        Logger = Options.LoggerFactory?.CreateLogger("ProtoServer") ?? LastResortLogger.Instance;
        Debug = Options.Debug;
        SlowCallbackThreshold = Options.SlowCallbackThreshold ?? (Debug ? TimeSpan.FromMilliseconds(100) : Timeout.InfiniteTimeSpan);
        _clock = Options.Clock;
        _clockStart = _clock.GetTimestamp();
        _context = new LoopSynchronizationContext(this);
        _deferring = new LoopSynchronizationContext(this);
        TimeProvider = new LoopTimeProvider(this, _clock);
        Scheduler = new LoopPipeScheduler(this);
        TransportKind = ChooseTransport(Options.Transport, Environment.GetEnvironmentVariable("PROTOSERVER_TRANSPORT"));
        Poller = EpollPoller.IsSupported ? new EpollPoller() : new ParkPoller();
        Metrics = new LoopMetrics(this);
    }

    /// <summary>The loop that the calling thread is running, or null. Any thread.</summary>
    public static EventLoop? Current => t_current;

    /// <summary>The loop's name, as in its thread's name and its log lines. Any thread.</summary>
    public string Name { get; }

    /// <summary>Whether a thread is running the loop. Any thread.</summary>
    public bool IsRunning => Volatile.Read(ref _thread) != 0;

    /// <summary>Whether the loop was closed by <see cref="Dispose"/>. Any thread.</summary>
    public bool IsClosed => _closed;

    /// <summary>The loop's monotonic clock, since the loop was made; advances inside a callback too. Any thread.</summary>
    public TimeSpan Time => _clock.GetElapsedTime(_clockStart);

    /// <summary>
    /// The loop as a <see cref="System.TimeProvider"/>: <c>Task.Delay(d, loop.TimeProvider)</c>, <c>WaitAsync</c>, <see cref="PeriodicTimer"/> and
    /// <see cref="CancellationTokenSource"/> tick on the loop's clock and fire on its thread. Any thread.
    /// </summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>The loop as a <see cref="PipeScheduler"/>: a pipe made with it runs its continuations on the loop. Any thread.</summary>
    public PipeScheduler Scheduler { get; }

    /// <summary>The loop as a <see cref="System.Threading.SynchronizationContext"/>: posts come to the loop. Any thread.</summary>
    public SynchronizationContext SynchronizationContext => _context;

    /// <summary>What carries the loop's connections: <see cref="ProtoServer.TransportKind.Epoll"/> or <see cref="ProtoServer.TransportKind.Sockets"/>. Any thread.</summary>
    public TransportKind TransportKind { get; }

    /// <summary>asyncio's debug mode: handles keep the stack that made them. Default from <see cref="EventLoopOptions.Debug"/>.</summary>
    public bool Debug { get; set; }

    /// <summary>Where the loop's time goes. Any thread.</summary>
    public LoopMetrics Metrics { get; }

    /// <summary>How often the loop went round: one per poll. Any thread, approximate off the loop.</summary>
    public long Iterations { get; private set; }

    /// <summary>Cancelled when the program is asked to end: by the first Ctrl-C or SIGTERM while <c>EventLoop.Run</c> runs. Any thread.</summary>
    public CancellationToken ShutdownToken => _shutdown.Token;

    internal EventLoopOptions Options { get; }

    internal ILogger Logger { get; }

    internal Poller Poller { get; }

    internal bool IsLoopThread => _thread == Environment.CurrentManagedThreadId;

    /// <summary>Whether the caller may touch what belongs to the loop: it is on the loop's thread, or no thread runs the loop.</summary>
    internal bool MayCallDirectly => IsLoopThread || _thread == 0;

    /// <summary>One iteration: docs/ARCHITECTURE.md numbers these steps in the same way.</summary>
    private void RunOnce()
    {
        // 1. How long may we sleep: not at all while calls are ready, otherwise until the next timer, or for ever.
        long timeout = FallAsleep();

        // 2. Poll, dispatching I/O inline. In every iteration, so that no chain of CallSoon starves the network.
        Metrics.Events += Poller.Poll(this, timeout);
        _inbox.Unpark();
        Iterations++;

        // 3. Take the calls that came from other threads.
        _ready.MarkSince(_now);
        _inbox.DrainTo(_ready);

        // 4. Move due timers, earliest first.
        if (_timers.Count > 0)
        {
            Metrics.Timers += _timers.MoveDue(timeout == 0 ? Time.Ticks : _now, _ready);
        }

        // 5. Run exactly the calls that are ready now; what they schedule waits for the next iteration.
        int count = BeginCalls();
        for (int call = 0; call < count; call++)
        {
            RunCall(_ready.Dequeue());
            MeasureCall(call);
        }

        // 6. Flush every connection that wrote, one system call each.
        _flushes.FlushAll();
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    /// <exception cref="InvalidOperationException">The loop is running, or this thread runs another one.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    /// <exception cref="LoopAbortException">A callback threw it.</exception>
    public void RunForever()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (t_current is not null)
        {
            throw new InvalidOperationException(t_current == this
                ? "This event loop is already running: await instead of running it again from a callback."
                : "This thread already runs another event loop: start the second one with EventLoop.Start().");
        }
        if (Interlocked.CompareExchange(ref _thread, Environment.CurrentManagedThreadId, 0) != 0)
        {
            throw new InvalidOperationException("This event loop is already running on another thread.");
        }
        SynchronizationContext? previous = SynchronizationContext.Current;
        t_current = this;
        SynchronizationContext.SetSynchronizationContext(_context);
        _ambient = ExecutionContext.Capture();
        _now = Time.Ticks;
        Metrics.RunBegins(_now);
        try
        {
            do
            {
                RunOnce();
            }
            while (!_stopping);
        }
        finally
        {
            _stopping = false;
            _inbox.Unpark();
            CallContext.Restore(_ambient);
            Metrics.RunEnds(Time.Ticks);
            SynchronizationContext.SetSynchronizationContext(previous);
            t_current = null;
            Volatile.Write(ref _thread, 0);
        }
    }

    /// <summary>Ends <see cref="RunForever"/> after the current iteration; called before a run, that run makes exactly one iteration. Any thread.</summary>
    public void Stop()
    {
        _stopping = true;
        if (!IsLoopThread)
        {
            // Either the loop sees the flag after it has announced its sleep, or we see the announcement: a full fence between the two on both sides.
            Interlocked.MemoryBarrier();
            WakeIfParked();
        }
    }

    /// <summary>Runs until the task that <paramref name="main"/> returns has ended, and rethrows what ended it.</summary>
    /// <param name="main">Called on the loop in its first iteration.</param>
    /// <exception cref="InvalidOperationException">The loop is running, or <see cref="Stop"/> ended it before the task did.</exception>
    public void RunUntilComplete(Func<Task> main)
    {
        ArgumentNullException.ThrowIfNull(main);
        Task task = Complete(main);
        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="RunUntilComplete(Func{Task})"/>
    /// <returns>The task's result.</returns>
    public T RunUntilComplete<T>(Func<Task<T>> main)
    {
        ArgumentNullException.ThrowIfNull(main);
        var task = (Task<T>)Complete(main);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Closes the loop: aborts its connections, closes its listeners, drops what was scheduled. A loop from <see cref="Start"/> is stopped and joined first.</summary>
    /// <remarks>Again, this does nothing. Any thread, except the loop's own.</remarks>
    /// <exception cref="InvalidOperationException">The loop is running, and was not made by <see cref="Start"/>; or this is its own thread: call <see cref="Stop"/> first.</exception>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }
        if (IsLoopThread)
        {
            throw new InvalidOperationException("A running event loop cannot be closed from its own thread: call Stop() and close it after the run.");
        }
        if (_ownThread is { } thread)
        {
            Stop();
            thread.Join();
        }
        // Whoever comes second waits for the first, and finds the loop closed.
        lock (_closingGate)
        {
            if (!_closed)
            {
                CloseAll();
            }
        }
    }

    /// <summary>Loop thread: the program is asked to end.</summary>
    internal void RequestShutdown() => CancelDeferred(_shutdown, nameof(ShutdownToken), this);

    /// <summary>Loop thread, or any while nobody runs it: as <see cref="TokenCallbacks.Cancel"/>, and every <c>await</c> that this ends goes on in the next iteration instead of inside the caller.</summary>
    internal void CancelDeferred(CancellationTokenSource source, string token, object owner)
    {
        SynchronizationContext? previous = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_deferring);
        try
        {
            source.Cancel(this, token, owner);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(previous);
        }
    }

    private Task Complete(Func<Task> main)
    {
        Task? task = null;
        ExceptionDispatchInfo? failure = null;
        bool over = false;
        CallHandle start = CallSoon(() =>
        {
            try
            {
                task = main() ?? throw new InvalidOperationException("The function to run returned null instead of a task.");
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                // There is no task whose end could end the run.
                failure = ExceptionDispatchInfo.Capture(exception);
                Stop();
                return;
            }
            // Posted, so that callbacks which the task's end made ready still run; and it stops this run only, not a later one.
            task.GetAwaiter().UnsafeOnCompleted(() => Post(static end => end(), () =>
            {
                if (!over)
                {
                    Stop();
                }
            }));
        });
        try
        {
            RunForever();
        }
        finally
        {
            over = true;
            start.Cancel();
        }
        failure?.Throw();
        return task is { IsCompleted: true }
            ? task
            : throw new InvalidOperationException("The event loop was stopped before the task that it ran was complete.");
    }

    internal static TransportKind ChooseTransport(TransportKind asked, string? variable)
    {
        if (asked == TransportKind.Automatic)
        {
            asked = variable switch
            {
                null or "" => EpollPoller.IsSupported ? TransportKind.Epoll : TransportKind.Sockets,
                "epoll" => TransportKind.Epoll,
                "sockets" => TransportKind.Sockets,
                _ => throw new ArgumentException($"The environment variable PROTOSERVER_TRANSPORT is '{variable}': set it to epoll or sockets, or remove it."),
            };
        }
        return asked != TransportKind.Epoll || EpollPoller.IsSupported
            ? asked
            : throw new PlatformNotSupportedException("This system has no epoll: choose TransportKind.Sockets, or leave the choice to TransportKind.Automatic.");
    }
}
