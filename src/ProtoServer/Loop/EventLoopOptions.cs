using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>How an <see cref="EventLoop"/> is set up. Every option has a default that production can keep.</summary>
public sealed class EventLoopOptions
{
    private string? _name;

    /// <summary>The thread's and the loop's name in logs and debuggers. Default: <c>loop</c> and a number.</summary>
    public string? Name
    {
        get => _name;
        init => _name = value;
    }

    /// <summary>Where the loop and everything on it logs. Default null: warnings and errors go to standard error, the rest nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The clock of <see cref="EventLoop.Time"/> and of all timers. Default <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>asyncio's debug mode: handles keep the stack that made them, and slow callbacks are logged. Default false.</summary>
    public bool Debug { get; init; }

    /// <summary>
    /// A callback that keeps the loop longer than this is logged as a warning with its name. Default null: 100 ms when <see cref="Debug"/> is on, otherwise never.
    /// Costs two clock readings per callback while it is on.
    /// </summary>
    public TimeSpan? SlowCallbackThreshold { get; init; }

    /// <summary>Threads for <c>RunInExecutorAsync</c>, made when needed. Default: processors + 4, at most 32; range 1 to 1024. Work beyond them waits in line.</summary>
    public int ExecutorThreads { get; init; } = Math.Min(32, Environment.ProcessorCount + 4);

    /// <summary>
    /// How long each closing step may take: cancelled tasks that have not ended yet, async generators, work on executor threads. What is late is logged by name and left behind.
    /// Default 10 s, at most a day; zero does not wait. Unlimited is not offered: one task that ignores its cancellation would hold the process for ever.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes taken from the kernel by one receive. Default 64 KiB, range 256 B to 1 MiB. One buffer per loop, lent to each connection in turn.</summary>
    public int ReceiveBufferBytes { get; init; } = 64 * 1024;

    /// <summary>
    /// What carries the loop's connections. Default <see cref="TransportKind.Automatic"/>: epoll where there is epoll, sockets elsewhere, unless the environment variable
    /// <c>PROTOSERVER_TRANSPORT</c> says <c>epoll</c> or <c>sockets</c>; another value of it, or epoll where there is none, is an error when the loop is made.
    /// </summary>
    public TransportKind Transport { get; init; }

    /// <summary>The same, with another name.</summary>
    internal EventLoopOptions Named(string name)
    {
        var copy = (EventLoopOptions)MemberwiseClone();
        copy._name = name;
        return copy;
    }
}
