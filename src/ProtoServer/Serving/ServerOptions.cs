namespace ProtoServer;

/// <summary>How a server listens, and what it allows its connections. Every option has a default that production can keep.</summary>
public sealed class ServerOptions : ConnectionOptions
{
    /// <summary>Connections that the kernel may hold until they are accepted. Default 512, at least 1; the kernel caps it at net.core.somaxconn.</summary>
    public int Backlog { get; init; } = 512;

    /// <summary>
    /// Connections served at the same time. Default 10,000, at least 1; never more than the limit of open files leaves (RLIMIT_NOFILE - 256).
    /// At the cap accepting pauses, and further clients wait in the backlog.
    /// </summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>SO_REUSEADDR: a restarted server gets its port back although old connections linger in TIME_WAIT. Default true.</summary>
    public bool ReuseAddress { get; init; } = true;

    /// <summary>SO_REUSEPORT: several servers of one user share the port, and the kernel spreads connections. Default false: a second server on the port is an error.</summary>
    public bool ReusePort { get; init; }

    /// <summary>Default true. False binds without listening: connects are refused until <see cref="Server.StartServing"/>.</summary>
    public bool StartServing { get; init; } = true;

    /// <summary>How long <see cref="Server.ShutdownAsync"/> waits for connections to finish, unless it is told otherwise. Default 10 s; zero aborts at once. Unlimited is not offered: a silent peer would hold the process for ever.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    internal static ServerOptions Default { get; } = new();

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Backlog, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(DrainTimeout, TimeSpan.Zero);
        ValidateConnection();
    }

    internal EpollTransportOptions ToEpoll() => new()
    {
        Backlog = Backlog,
        NoDelay = NoDelay,
        KeepAlive = KeepAlive,
        ReuseAddress = ReuseAddress,
        ReusePort = ReusePort,
        WriteHighWaterBytes = WriteHighWaterBytes,
        WriteLowWaterBytes = WriteLowWaterBytes,
        InputLimitBytes = InputLimitBytes,
        LingerTimeout = LingerTimeout,
    };
}
