namespace ProtoServer;

/// <summary>What a connection is allowed, the same on the serving and on the connecting side.</summary>
public abstract class ConnectionOptions
{
    private protected ConnectionOptions()
    {
    }

    /// <summary>Unsent bytes strictly above which <see cref="IProtocol.PauseWriting"/> is called. Default 64 KiB, 0 or more.</summary>
    public int WriteHighWaterBytes { get; init; } = 64 * 1024;

    /// <summary>Unsent bytes at or below which <see cref="IProtocol.ResumeWriting"/> is called. Default 16 KiB, at most <see cref="WriteHighWaterBytes"/>.</summary>
    public int WriteLowWaterBytes { get; init; } = 16 * 1024;

    /// <summary>
    /// A write that finds more than this many bytes still unsent cuts the peer off: the connection is aborted with an <see cref="IOException"/>. Default 1 MiB,
    /// at least <see cref="WriteHighWaterBytes"/>. One write of any size is accepted when less is waiting; a protocol that heeds <see cref="IProtocol.PauseWriting"/>, and a handler that awaits its flushes, never get here.
    /// </summary>
    public int WriteLimitBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes that a buffered protocol may leave unconsumed; at this many the connection ends with a <see cref="ProtocolViolationException"/>. Default 1 MiB, at least 1.</summary>
    public int InputLimitBytes { get; init; } = 1024 * 1024;

    /// <summary>How long a closing connection may take to send what is queued; then it is aborted. Default 10 s, more than zero, at most a day. Unlimited is not offered: a peer that does not read would hold the connection for ever.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a closed connection whose peer is still sending reads and discards, so that no reset overtakes the last answer. Default 2 s; zero resets at once.</summary>
    public TimeSpan LingerTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection that neither receives nor sends for this long is closed; <see cref="IProtocol.ConnectionLost"/> gets a <see cref="TimeoutException"/>. Default: never.</summary>
    public TimeSpan IdleTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>A connection whose peer has said nothing for this long after it was made is closed; <see cref="IProtocol.ConnectionLost"/> gets a <see cref="TimeoutException"/>. Default: never. Not for protocols in which we speak first and the peer may be silent.</summary>
    public TimeSpan FirstDataTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// A connection to which something waits to be sent, and whose peer takes nothing of it for this long, is aborted; <see cref="IProtocol.ConnectionLost"/> gets a <see cref="TimeoutException"/>.
    /// Default: never. Noticed late by a quarter of it at most. A peer that reads slowly, but reads, is <see cref="WriteLimitBytes"/>'s affair.
    /// </summary>
    public TimeSpan WriteStallTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>A connection this old is closed, whatever it is doing, after what is queued was sent; <see cref="IProtocol.ConnectionLost"/> gets a <see cref="TimeoutException"/>. Default: never.</summary>
    public TimeSpan MaxLifetime { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// A peer that began a message and sends less than this of it, on the average since its beginning, is cut off after <see cref="MinReceiveRateGrace"/>: the connection is aborted, and
    /// <see cref="IProtocol.ConnectionLost"/> gets a <see cref="TimeoutException"/>. Bytes per second. Default 0: never. Between messages a peer may be silent, see <see cref="IdleTimeout"/>; while the protocol
    /// pauses reading nothing is owed. Holds for protocols that leave an unfinished message with the transport, as every framing does; a plain <see cref="IProtocol"/> takes all bytes, so nobody knows.
    /// </summary>
    public int MinReceiveBytesPerSecond { get; init; }

    /// <summary>How long a message may take before <see cref="MinReceiveBytesPerSecond"/> is asked of it. Default 5 s, more than zero.</summary>
    public TimeSpan MinReceiveRateGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>TCP_NODELAY: small answers leave at once. Default true.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>SO_KEEPALIVE: the kernel probes a silent peer, by default after two hours. Default false.</summary>
    public bool KeepAlive { get; init; }

    private protected void ValidateConnection()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(WriteLowWaterBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(WriteHighWaterBytes, WriteLowWaterBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(WriteLimitBytes, WriteHighWaterBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(InputLimitBytes, 1);
        ThrowUnlessPositive(CloseTimeout, nameof(CloseTimeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CloseTimeout, TimeSpan.FromDays(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(LingerTimeout, TimeSpan.Zero);
        ThrowUnlessPositiveOrNever(IdleTimeout, nameof(IdleTimeout));
        ThrowUnlessPositiveOrNever(FirstDataTimeout, nameof(FirstDataTimeout));
        ThrowUnlessPositiveOrNever(WriteStallTimeout, nameof(WriteStallTimeout));
        ThrowUnlessPositiveOrNever(MaxLifetime, nameof(MaxLifetime));
        ArgumentOutOfRangeException.ThrowIfNegative(MinReceiveBytesPerSecond);
        ThrowUnlessPositive(MinReceiveRateGrace, nameof(MinReceiveRateGrace));
    }

    /// <summary>Whether a connection has anything to watch.</summary>
    internal bool HasDeadlines => MinReceiveBytesPerSecond > 0 || IdleTimeout != Timeout.InfiniteTimeSpan || FirstDataTimeout != Timeout.InfiniteTimeSpan
        || WriteStallTimeout != Timeout.InfiniteTimeSpan || MaxLifetime != Timeout.InfiniteTimeSpan;

    private protected static void ThrowUnlessPositive(TimeSpan value, string name) => ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);

    private protected static void ThrowUnlessPositiveOrNever(TimeSpan value, string name)
    {
        if (value != Timeout.InfiniteTimeSpan)
        {
            ThrowUnlessPositive(value, name);
        }
    }
}
