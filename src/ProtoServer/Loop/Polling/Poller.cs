namespace ProtoServer;

/// <summary>Where the loop sleeps: it waits for readiness, for the next timer, or for another thread.</summary>
internal abstract class Poller : IDisposable
{
    /// <summary>Loop thread: waits at most <paramref name="timeout"/> ticks (of 100 ns; 0 does not wait, negative waits for ever) and dispatches what is ready inline.</summary>
    /// <returns>How many events were dispatched.</returns>
    public abstract int Poll(EventLoop loop, long timeout);

    /// <summary>After how many polls everything that was ready before the first of them has been dispatched.</summary>
    public virtual int PollsPerRound => 1;

    /// <summary>Any thread: ends the current or the next wait.</summary>
    public abstract void Wake();

    /// <summary>Everything that still waits for readiness, for the loop to close when it closes.</summary>
    public virtual IEnumerable<IPollHandler> Handlers => [];

    public abstract void Dispose();
}
