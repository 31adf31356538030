using System.Collections.Concurrent;

namespace Benchmarks.Probes;

/// <summary>The classic message pump: a blocking queue and a thread that empties it.</summary>
internal static class PumpCalls
{
    public static void Flood(int count, Action begin) => WithThread(call => CallerThread.Flood(count, begin, call));

    public static void Ping(int count, Action begin) => WithThread(call => CallerThread.Ping(count, begin, call));

    private static void WithThread(Action<Action<Action>> work)
    {
        using BlockingCollection<Action> queue = [];
        Thread thread = new(() =>
        {
            foreach (Action action in queue.GetConsumingEnumerable())
            {
                action();
            }
        });
        thread.Start();
        work(queue.Add);
        queue.CompleteAdding();
        thread.Join();
    }
}
