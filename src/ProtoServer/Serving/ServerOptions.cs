using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>How a server listens, and what it allows its connections. Every option has a default that production can keep.</summary>
public sealed class ServerOptions : ConnectionOptions
{
    private readonly List<Func<ConnectionDelegate, ConnectionDelegate>> _middleware = [];

    /// <summary>Connections that the kernel may hold until they are accepted. Default 512, at least 1; the kernel caps it at net.core.somaxconn.</summary>
    public int Backlog { get; init; } = 512;

    /// <summary>
    /// Connections served at the same time. Default 10,000, at least 1; never more than the limit of open files leaves (RLIMIT_NOFILE - 256).
    /// At the cap accepting pauses, and further clients wait in the backlog.
    /// </summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>
    /// Connections that one address may have open at the same time; a further one is closed at once, without a protocol. Default null: no limit of its own. At least 1. An IPv6 address counts by its
    /// first 64 bits, for a single host has all of those; unix peers have no address and are not limited. It is the address that the transport sees: behind a proxy all come from one.
    /// </summary>
    public int? MaxConnectionsPerAddress { get; init; }

    /// <summary>SO_REUSEADDR: a restarted server gets its port back although old connections linger in TIME_WAIT. Default true.</summary>
    public bool ReuseAddress { get; init; } = true;

    /// <summary>SO_REUSEPORT: several servers of one user share the port, and the kernel spreads connections. Default false: a second server on the port is an error.</summary>
    public bool ReusePort { get; init; }

    /// <summary>The mode of a unix socket's file. Who may write to it may connect. Default null: what the process's umask leaves.</summary>
    public UnixFileMode? UnixSocketMode { get; init; }

    /// <summary>Whether a unix socket's file is removed when the server closes, if it is still the same one. Default true; false leaves it, as a successor would find it stale and replace it.</summary>
    public bool RemoveUnixSocketFile { get; init; } = true;

    /// <summary>Default true. False binds without listening: connects are refused until <see cref="Server.StartServing"/>.</summary>
    public bool StartServing { get; init; } = true;

    /// <summary>How long <see cref="Server.ShutdownAsync"/> waits for connections to finish, unless it is told otherwise. Default 10 s; zero aborts at once. Unlimited is not offered: a silent peer would hold the process for ever.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Where connections come from: any transport of Kestrel's or Bedrock's kind. Default null: the loop's own, see <see cref="EventLoopOptions.Transport"/>. With another one <see cref="Backlog"/>,
    /// <see cref="ReuseAddress"/>, <see cref="ReusePort"/>, <see cref="ConnectionOptions.NoDelay"/>, <see cref="ConnectionOptions.KeepAlive"/> and <see cref="ConnectionOptions.LingerTimeout"/> are its
    /// affair, and <see cref="StartServing"/> must be true. Its pipes are brought to the loop: protocols notice no difference but the speed.
    /// </summary>
    public IConnectionListenerFactory? Transport { get; init; }

    /// <summary>Puts <paramref name="middleware"/> between the transport and the protocols; the one added first sees a connection first. Not once a server was made with these options.</summary>
    /// <remarks>
    /// As <see cref="IConnectionBuilder.Use"/>. Called on the loop; the <see cref="ConnectionContext"/> belongs to the loop's thread. A connection counts from its acceptance on, and
    /// its protocol is made when the last middleware has called the next delegate; when a middleware returns or throws without doing so, the connection ends.
    /// </remarks>
    /// <returns>The same options.</returns>
    public ServerOptions Use(Func<ConnectionDelegate, ConnectionDelegate> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        _middleware.Add(middleware);
        return this;
    }

    internal static ServerOptions Default { get; } = new();

    /// <summary>The middleware with <paramref name="last"/> at its end; null when there is none.</summary>
    internal ConnectionDelegate? BuildMiddleware(ConnectionDelegate last) =>
        _middleware.Count == 0 ? null : Enumerable.Reverse(_middleware).Aggregate(last, static (next, middleware) => middleware(next) ?? throw new InvalidOperationException("A middleware returned null."));

    internal void Validate()
    {
        if (Transport is not null && !StartServing)
        {
            throw new ArgumentException("A transport from elsewhere listens as soon as it is bound: StartServing must be true, or Transport null.");
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(Backlog, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        if (MaxConnectionsPerAddress is { } perAddress)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(perAddress, 1, nameof(MaxConnectionsPerAddress));
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(DrainTimeout, TimeSpan.Zero);
        ValidateConnection();
    }

    internal EpollTransportOptions ToEpoll(bool? reusePort = null) => new()
    {
        Backlog = Backlog,
        NoDelay = NoDelay,
        KeepAlive = KeepAlive,
        ReuseAddress = ReuseAddress,
        ReusePort = reusePort ?? ReusePort,
        WriteHighWaterBytes = WriteHighWaterBytes,
        WriteLowWaterBytes = WriteLowWaterBytes,
        InputLimitBytes = InputLimitBytes,
        LingerTimeout = LingerTimeout,
        UnixSocketMode = UnixSocketMode,
        RemoveUnixSocketFile = RemoveUnixSocketFile,
    };
}
