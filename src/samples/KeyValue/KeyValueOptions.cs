using KeyValue.Journal;
using KeyValue.Store;

namespace KeyValue;

/// <summary>How the server is to run: what the command line says.</summary>
internal sealed record KeyValueOptions
{
    /// <summary>The address to listen on. Default 127.0.0.1: whoever wants more says so, and then had better set a password.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port. Default 6380; 0 takes a free one.</summary>
    public int Port { get; init; } = 6380;

    /// <summary>The password that clients must give. Default none.</summary>
    public string? Password { get; init; }

    /// <summary>Refuses clients from other machines while there is no password. Default on.</summary>
    public bool IsProtected { get; init; } = true;

    /// <summary>Connections at once. Default 10,000, and never more than the open-file limit less 256.</summary>
    public int MaxClients { get; init; } = 10_000;

    /// <summary>Bytes of keys and values at which <see cref="Policy"/> acts. Default 0: no limit.</summary>
    public long MaxMemoryBytes { get; init; }

    /// <summary>What happens at the memory limit. Default <see cref="EvictionPolicy.NoEviction"/>.</summary>
    public EvictionPolicy Policy { get; init; }

    /// <summary>Bytes of one argument, 1 MiB to 512 MiB. Default 64 MiB.</summary>
    public int MaxBulkBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes of replies that one client may leave unread. Default 256 MiB; beyond it the client is cut off.</summary>
    /// <remarks>Reading from a client stops long before, so only the reply to one single command gets near it.</remarks>
    public int MaxOutputBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>Closes connections that were silent this long. Default zero: never.</summary>
    public TimeSpan IdleTimeout { get; init; }

    /// <summary>Closes connections whose request has begun and got no further for this long. Default 60 s; zero never.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The SQLite file. Default none: data lives as long as the process.</summary>
    public string? DataFile { get; init; }

    /// <summary>When a write to <see cref="DataFile"/> is safe. Default <see cref="Durability.EverySecond"/>.</summary>
    public Durability Durability { get; init; } = Durability.EverySecond;

    /// <summary>Allows DEBUG. Default off: it can make the server hang.</summary>
    public bool AllowsDebug { get; init; }

    /// <summary>Allows SHUTDOWN from other machines. Default off.</summary>
    public bool AllowsRemoteShutdown { get; init; }
}
