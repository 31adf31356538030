using ProtoServer;

namespace Tour;

/// <summary>A task's time is awake, asleep, or ready but waiting for the loop. One that never cedes control makes all others wait; on an executor thread it does not.</summary>
internal static class Blocking
{
    private static readonly TimeSpan s_work = TimeSpan.FromMilliseconds(120);

    public static void Run(TextWriter output)
    {
        // Once for nobody: the first time, most of what is awake is the compiler.
        WaitBeside(TextWriter.Null, "", loop => Task.Delay(s_work, loop.TimeProvider));
        TimeSpan alone = WaitBeside(output, "nothing else to do", loop => Task.Delay(s_work, loop.TimeProvider));
        TimeSpan blocked = WaitBeside(output, "a task that blocks the loop", _ =>
        {
            Thread.Sleep(s_work); // as a long computation would
            return Task.CompletedTask;
        });
        TimeSpan beside = WaitBeside(output, "the same work on an executor thread", loop => loop.RunInExecutorAsync(() => Thread.Sleep(s_work)));
        output.WriteLine($"blocking made the others wait: {blocked > s_work / 2 && alone < s_work / 2 && beside < s_work / 2}");
    }

    // A ticker that wants to run every 5 ms, beside that work: its longest wait for the loop is what the work did to it.
    private static TimeSpan WaitBeside(TextWriter output, string what, Func<EventLoop, Task> work) => EventLoop.Run(async loop =>
    {
        LoopTask ticker = loop.CreateTask(async token =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
            while (await timer.WaitForNextTickAsync(token))
            {
            }
        });
        await Task.Delay(TimeSpan.FromMilliseconds(15), loop.TimeProvider);
        await work(loop);
        await Task.Delay(TimeSpan.FromMilliseconds(15), loop.TimeProvider);
        ticker.Cancel();
        LoopMetrics metrics = loop.Metrics;
        output.WriteLine($"{what}: awake {metrics.AwakeTime.TotalMilliseconds:F0} ms, asleep {metrics.AsleepTime.TotalMilliseconds:F0} ms, longest wait for the loop {metrics.ReadyWait.Max.TotalMilliseconds:F0} ms");
        return metrics.ReadyWait.Max;
    });
}
