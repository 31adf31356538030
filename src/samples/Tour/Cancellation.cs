using ProtoServer;

namespace Tour;

/// <summary>A task is cancelled through the token that its body was given: what awaits with it throws, and finally blocks run, awaits included.</summary>
internal static class Cancellation
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        LoopTask worker = loop.CreateTask(token => Work(loop, output, token), "worker");
        await Task.Delay(TimeSpan.FromMilliseconds(20), loop.TimeProvider);
        worker.Cancel("no longer needed");
        output.WriteLine("cancel was called");
        try
        {
            await worker;
        }
        catch (OperationCanceledException exception)
        {
            output.WriteLine($"the worker was cancelled: {exception.Message}");
        }
    });

    private static async Task Work(EventLoop loop, TextWriter output, CancellationToken token)
    {
        try
        {
            output.WriteLine("working");
            await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
        }
        finally
        {
            // Without the token: cleanup is not cancelled.
            await Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider, CancellationToken.None);
            output.WriteLine("cleaned up");
        }
    }
}
