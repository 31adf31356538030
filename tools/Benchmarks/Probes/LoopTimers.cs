using ProtoServer;

namespace Benchmarks.Probes;

/// <summary><see cref="EventLoop.CallLater{TState}(TimeSpan, Action{TState}, TState)"/> on the loop's own thread, as a protocol uses it.</summary>
internal static class LoopTimers
{
    public static void Cancel(int count, Action begin)
    {
        TimeSpan[] delays = Probe.Delays(count, TimeSpan.FromMinutes(1));
        var handles = new CallHandle[count];
        using EventLoop loop = new();
        loop.RunUntilComplete(() =>
        {
            begin();
            for (int i = 0; i < count; i++)
            {
                handles[i] = loop.CallLater(delays[i], static _ => { }, 0);
            }

            foreach (CallHandle handle in handles)
            {
                handle.Cancel();
            }

            return Task.CompletedTask;
        });
    }

    public static void Fire(int count, Action begin)
    {
        TimeSpan[] delays = Probe.Delays(count, TimeSpan.FromSeconds(1));
        using EventLoop loop = new();
        loop.RunUntilComplete(() =>
        {
            begin();
            var left = new Countdown(count);
            foreach (TimeSpan delay in delays)
            {
                loop.CallLater(delay, static left => left.Signal(), left);
            }

            return left.Done;
        });
    }

    private sealed class Countdown(int count)
    {
        private readonly TaskCompletionSource _done = new();
        private int _left = count;

        public Task Done => _done.Task;

        public void Signal()
        {
            if (--_left == 0)
            {
                _done.SetResult();
            }
        }
    }
}
