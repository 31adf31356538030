using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

internal static class TransportOptionsExtensions
{
    /// <summary>The same options, on another transport.</summary>
    public static ServerOptions On(this ServerOptions options, IConnectionListenerFactory transport) => new()
    {
        Transport = transport,
        MaxConnections = options.MaxConnections,
        DrainTimeout = options.DrainTimeout,
        WriteHighWaterBytes = options.WriteHighWaterBytes,
        WriteLowWaterBytes = options.WriteLowWaterBytes,
        WriteLimitBytes = options.WriteLimitBytes,
        InputLimitBytes = options.InputLimitBytes,
        CloseTimeout = options.CloseTimeout,
        LingerTimeout = options.LingerTimeout,
        IdleTimeout = options.IdleTimeout,
    };
}
