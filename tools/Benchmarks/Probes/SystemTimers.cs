namespace Benchmarks.Probes;

/// <summary>The runtime's own timers, which fire on the thread pool.</summary>
internal static class SystemTimers
{
    public static void Cancel(int count, Action begin)
    {
        TimeSpan[] delays = Probe.Delays(count, TimeSpan.FromMinutes(1));
        var timers = new Timer[count];
        begin();
        for (int i = 0; i < count; i++)
        {
            timers[i] = new Timer(static _ => { }, null, delays[i], Timeout.InfiniteTimeSpan);
        }

        foreach (Timer timer in timers)
        {
            timer.Dispose();
        }
    }

    public static void Fire(int count, Action begin)
    {
        TimeSpan[] delays = Probe.Delays(count, TimeSpan.FromSeconds(1));
        var timers = new Timer[count];
        begin();
        using CountdownEvent left = new(count);
        for (int i = 0; i < count; i++)
        {
            timers[i] = new Timer(static left => ((CountdownEvent)left!).Signal(), left, delays[i], Timeout.InfiniteTimeSpan);
        }

        left.Wait();
        foreach (Timer timer in timers)
        {
            timer.Dispose();
        }
    }
}
