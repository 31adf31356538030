namespace ProtoServer;

/// <summary>The poller where there is no epoll: the loop only sleeps and is woken; its transports run on the runtime's own sockets.</summary>
internal sealed class ParkPoller : Poller
{
    private readonly SemaphoreSlim _wake = new(0);

    public override int Poll(EventLoop loop, long timeout)
    {
        if (timeout == 0)
        {
            return 0;
        }
        // Rounded up to whole milliseconds: a timer is late by less than one rather than early, and the loop does not spin.
        int milliseconds = timeout < 0 ? -1 : (int)Math.Min(int.MaxValue, (timeout + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
        _wake.Wait(milliseconds);
        loop.WakeUp();
        return 0;
    }

    public override void Wake() => _wake.Release();

    public override void Dispose() => _wake.Dispose();
}
