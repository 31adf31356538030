using ProtoServer;

namespace Benchmarks.Probes;

/// <summary>Calls into a loop from another thread, directly and by its synchronization context.</summary>
internal static class LoopCalls
{
    public static void Flood(int count, Action begin)
    {
        using EventLoop loop = EventLoop.Start();
        CallerThread.Flood(count, begin, action => loop.CallSoonThreadSafe(action));
    }

    public static void Ping(int count, Action begin)
    {
        using EventLoop loop = EventLoop.Start();
        CallerThread.Ping(count, begin, action => loop.CallSoonThreadSafe(action));
    }

    public static void FloodPosts(int count, Action begin)
    {
        using EventLoop loop = EventLoop.Start();
        SynchronizationContext context = loop.SynchronizationContext;
        CallerThread.Flood(count, begin, action => context.Post(static action => ((Action)action!)(), action));
    }

    public static void PingPosts(int count, Action begin)
    {
        using EventLoop loop = EventLoop.Start();
        SynchronizationContext context = loop.SynchronizationContext;
        CallerThread.Ping(count, begin, action => context.Post(static action => ((Action)action!)(), action));
    }
}
