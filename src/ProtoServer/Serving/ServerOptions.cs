namespace ProtoServer;

/// <summary>How a server listens and what it allows its connections.</summary>
public sealed class ServerOptions
{
    /// <summary>Unconsumed input per connection. Default 1 MiB.</summary>
    public int InputLimitBytes { get; init; } = 1024 * 1024;
    /// <summary>How long a closing connection may flush.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
