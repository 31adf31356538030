namespace Benchmarks.Probes;

/// <summary>The calling side of the call probes: any way to hand an action to the other thread.</summary>
internal static class CallerThread
{
    /// <summary>Makes so many calls as fast as it can, then waits until the last has run.</summary>
    public static void Flood(int count, Action begin, Action<Action> call)
    {
        using ManualResetEventSlim done = new();
        int left = count;
        Action action = () =>
        {
            if (--left == 0)
            {
                done.Set();
            }
        };
        begin();
        for (int i = 0; i < count; i++)
        {
            call(action);
        }

        done.Wait();
    }

    /// <summary>Makes so many calls, and sleeps after each until it has run.</summary>
    public static void Ping(int count, Action begin, Action<Action> call)
    {
        using AutoResetEvent ran = new(false); // it sleeps at once; the slim events would spin first, on the core that the other thread needs
        Action action = () => ran.Set();
        begin();
        for (int i = 0; i < count; i++)
        {
            call(action);
            ran.WaitOne();
        }
    }
}
