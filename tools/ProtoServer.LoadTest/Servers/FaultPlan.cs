namespace ProtoServer.LoadTest.Servers;

/// <summary>What a test server does wrong, and what it has done so far. One object for all connections of a server.</summary>
/// <remarks>Loop thread only, except for the counters' readers.</remarks>
internal sealed class FaultPlan
{
    private long _bytes;
    private long _replies;
    private bool _stallArmed;

    public ServeMode Mode { get; init; }

    /// <summary>Flip: one byte in so many. Drop: one reply in so many.</summary>
    public long Every { get; init; } = 1_000_000;

    /// <summary>Stall: so long after the first bytes.</summary>
    public TimeSpan StallAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Stall: so long.</summary>
    public TimeSpan StallFor { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Drop: bytes of one message; 0: messages are lines.</summary>
    public int MessageBytes { get; init; }

    /// <summary>Bytes flipped, replies dropped, or stalls done so far.</summary>
    public long Faults { get; private set; }

    /// <summary>The protocol for a new connection.</summary>
    public IProtocol CreateProtocol() => Mode switch
    {
        ServeMode.Sink => new SinkProtocol(),
        ServeMode.Drop => new DropProtocol(this),
        ServeMode.Flip => new FlipProtocol(this),
        ServeMode.Stall => new StallProtocol(this),
        _ => new EchoProtocol(),
    };

    /// <summary>Flips what is due within the next <paramref name="data"/> of the stream of all connections.</summary>
    public void Flip(Span<byte> data)
    {
        for (long next = Every - 1 - (_bytes % Every); next < data.Length; next += Every)
        {
            // The case bit: printable bytes stay printable, so only a comparison finds it.
            data[(int)next] ^= 0x20;
            Faults++;
        }
        _bytes += data.Length;
    }

    /// <summary>Whether the next reply is to be left out.</summary>
    public bool DropsNext()
    {
        bool drops = ++_replies % Every == 0;
        if (drops)
        {
            Faults++;
        }
        return drops;
    }

    /// <summary>Sets the clock for the one freeze going, at the first bytes.</summary>
    public void ArmStall(EventLoop loop)
    {
        if (!_stallArmed)
        {
            _stallArmed = true;
            loop.CallLater(StallAfter, static plan => plan.Stall(), this);
        }
    }

    // On the loop's own thread: nothing is read, answered or accepted meanwhile, as in a process that was stopped.
    private void Stall()
    {
        Faults++;
        Thread.Sleep(StallFor);
    }
}
