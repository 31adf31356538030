namespace ProtoServer;

/// <summary>How the epoll transport treats its sockets and their buffers.</summary>
public sealed class EpollTransportOptions
{
    /// <summary>Connections that the kernel may hold until they are accepted. Default 512, at least 1; the kernel caps it at net.core.somaxconn.</summary>
    public int Backlog { get; init; } = 512;

    /// <summary>TCP_NODELAY: small answers leave at once. Default true.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>SO_KEEPALIVE: the kernel probes a silent peer, by default after two hours. Default false.</summary>
    public bool KeepAlive { get; init; }

    /// <summary>SO_REUSEADDR: a restarted server gets its port back although old connections linger in TIME_WAIT. Default true.</summary>
    public bool ReuseAddress { get; init; } = true;

    /// <summary>SO_REUSEPORT: several listeners of one user share the port, and the kernel spreads connections. Default false: a second server on the port is an error.</summary>
    public bool ReusePort { get; init; }

    /// <summary>Unsent bytes strictly above which <c>FlushAsync</c> waits. Default 64 KiB, 0 or more.</summary>
    public int WriteHighWaterBytes { get; init; } = 64 * 1024;

    /// <summary>Unsent bytes at which a waiting <c>FlushAsync</c> goes on. Default 16 KiB, at most <see cref="WriteHighWaterBytes"/>.</summary>
    public int WriteLowWaterBytes { get; init; } = 16 * 1024;

    /// <summary>Unconsumed input at which a reader that wants still more is failed with a <see cref="ProtocolViolationException"/>. Default 1 MiB, at least 1.</summary>
    public int InputLimitBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// How long a closing connection whose peer is still sending reads and discards, so that the last answer is not overtaken by a reset. Default 2 s; zero resets at once.
    /// </summary>
    public TimeSpan LingerTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The mode of a unix socket's file. Who may write to it may connect. Default null: what the process's umask leaves.</summary>
    public UnixFileMode? UnixSocketMode { get; init; }

    /// <summary>Whether a unix socket's file is removed when its listener closes, if it is still the same one. Default true.</summary>
    public bool RemoveUnixSocketFile { get; init; } = true;

    internal static EpollTransportOptions Default { get; } = new();

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Backlog, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(WriteLowWaterBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(WriteHighWaterBytes, WriteLowWaterBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(InputLimitBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LingerTimeout, TimeSpan.Zero);
    }
}
