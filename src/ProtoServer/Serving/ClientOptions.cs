using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>How a client connects, and what it allows its connection. Every option has a default that production can keep.</summary>
public sealed class ClientOptions : ConnectionOptions
{
    /// <summary>
    /// How long connecting may take, name resolution included; then <see cref="ConnectException"/>. Default 10 s, more than zero, or <see cref="Timeout.InfiniteTimeSpan"/>:
    /// then the kernel gives up, on Linux after about two minutes for each address.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an address that does not answer is waited for before the next one is tried beside it; one that refuses is passed at once. Default 250 ms (RFC 8305), zero or more;
    /// <see cref="Timeout.InfiniteTimeSpan"/> tries one address after the other.
    /// </summary>
    public TimeSpan HappyEyeballsDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The address to connect from: of this machine, port 0 for any port. Addresses of the other family are not tried then. Default null: the kernel chooses.</summary>
    public IPEndPoint? LocalEndPoint { get; init; }

    /// <summary>
    /// Where names come from: gets the host, returns its addresses, the best first. May run anywhere. Default null: the system's resolver (<see cref="Dns"/>), on a pool thread.
    /// </summary>
    public Func<string, CancellationToken, Task<IPAddress[]>>? Resolver { get; init; }

    /// <summary>What makes the connection, such as a transport of Kestrel's or Bedrock's. Default null: the loop's own transport.</summary>
    /// <remarks>It gets each address as it is, and keeps to its own socket options: <see cref="LocalEndPoint"/> and <see cref="ConnectionOptions.NoDelay"/> do not reach it.</remarks>
    public IConnectionFactory? Transport { get; init; }

    internal static ClientOptions Default { get; } = new();

    internal void Validate()
    {
        ThrowUnlessPositiveOrNever(ConnectTimeout, nameof(ConnectTimeout));
        if (HappyEyeballsDelay != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(HappyEyeballsDelay, TimeSpan.Zero);
        }
        ValidateConnection();
    }

    internal EpollTransportOptions ToEpoll() => new()
    {
        NoDelay = NoDelay,
        KeepAlive = KeepAlive,
        WriteHighWaterBytes = WriteHighWaterBytes,
        WriteLowWaterBytes = WriteLowWaterBytes,
        InputLimitBytes = InputLimitBytes,
        LingerTimeout = LingerTimeout,
    };
}
