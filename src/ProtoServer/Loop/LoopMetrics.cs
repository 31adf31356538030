namespace ProtoServer;

/// <summary>Where one loop's time goes. Always on: an iteration that sleeps reads the clock twice for it. Any thread; read off the loop, the figures may be an iteration old.</summary>
/// <remarks>
/// A task's time has three parts: awake (its own code), asleep (it waits for something outside), and ready but waiting for the loop. The loop's awake time is the first of all tasks together,
/// <see cref="ReadyWait"/> is the third, and it grows when somebody holds the loop. All of it is published by the meter <c>ProtoServer</c>.
/// </remarks>
public sealed class LoopMetrics
{
    private static readonly long s_window = TimeSpan.TicksPerSecond;

    private long _ran; // ticks of the runs that have ended
    private long _runSince = -1;
    private long _slept; // ticks of the sleeps that have ended
    private long _asleepSince = -1;
    private long _windowSince;
    private long _sleptBeforeWindow;
    private double _lastWindow = -1; // none was completed yet

    internal LoopMetrics(EventLoop loop)
    {
        Loop = loop;
        LoopMeter.Add(this);
    }

    /// <summary>The loop's name.</summary>
    public string Name => Loop.Name;

    /// <summary>How often the loop went round.</summary>
    public long Iterations => Loop.Iterations;

    /// <summary>Calls that were run: from CallSoon, timers, other threads, and awaits that went on.</summary>
    public long Callbacks { get; internal set; }

    /// <summary>Times that a descriptor was ready and was attended to.</summary>
    public long Events { get; internal set; }

    /// <summary>Timers that came due.</summary>
    public long Timers { get; internal set; }

    /// <summary>Callbacks that took longer than <see cref="EventLoop.SlowCallbackThreshold"/>; 0 while that is off.</summary>
    public long SlowCallbacks { get; internal set; }

    /// <summary>How long each call waited between being ready and being run: the time that is the loop's fault. Of a timer, how late it was.</summary>
    public DurationHistogram ReadyWait { get; } = new();

    /// <summary>Whether the loop sleeps now: it waits for the kernel, a timer or another thread.</summary>
    public bool IsAsleep => Volatile.Read(ref _asleepSince) >= 0;

    /// <summary>Time spent asleep while running.</summary>
    public TimeSpan AsleepTime => new(SleptUntil(Loop.Time.Ticks));

    /// <summary>Time spent running anything but sleep.</summary>
    public TimeSpan AwakeTime
    {
        get
        {
            long now = Loop.Time.Ticks;
            return new TimeSpan(Math.Max(0, RanUntil(now) - SleptUntil(now)));
        }
    }

    /// <summary>The awake part of the last second, 0 to 1: near 1 the loop cannot keep up with much more, and waits begin to grow.</summary>
    public double Utilization
    {
        get
        {
            long now = Loop.Time.Ticks;
            long length = now - Volatile.Read(ref _windowSince);
            return Volatile.Read(ref _runSince) < 0 ? 0 : length < s_window && _lastWindow >= 0 ? _lastWindow : Awake(now, length);
        }
    }

    internal EventLoop Loop { get; }

    internal void RunBegins(long now)
    {
        _runSince = now;
        _windowSince = now;
        _sleptBeforeWindow = _slept;
        _lastWindow = -1;
    }

    internal void RunEnds(long now)
    {
        _ran += now - _runSince;
        _runSince = -1;
        if (_asleepSince >= 0)
        {
            WokeUp(now);
        }
    }

    internal void FellAsleep(long now) => Volatile.Write(ref _asleepSince, now);

    internal void WokeUp(long now)
    {
        _slept += now - _asleepSince;
        Volatile.Write(ref _asleepSince, -1);
        if (now - _windowSince >= s_window)
        {
            _lastWindow = Awake(now, now - _windowSince);
            _sleptBeforeWindow = _slept;
            Volatile.Write(ref _windowSince, now);
        }
    }

    internal void Waited(long ticks)
    {
        ReadyWait.Record(ticks);
        LoopMeter.Waited(this, ticks);
    }

    private double Awake(long now, long length) => length <= 0 ? 0 : Math.Clamp(1 - ((double)(SleptUntil(now) - _sleptBeforeWindow) / length), 0, 1);

    private long RanUntil(long now)
    {
        long since = Volatile.Read(ref _runSince);
        return Volatile.Read(ref _ran) + (since < 0 ? 0 : now - since);
    }

    private long SleptUntil(long now)
    {
        long since = Volatile.Read(ref _asleepSince);
        return Volatile.Read(ref _slept) + (since < 0 ? 0 : now - since);
    }
}
