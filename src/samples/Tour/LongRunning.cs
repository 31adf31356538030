using ProtoServer;

namespace Tour;

/// <summary>A process that stays alive until it is told to end: Ctrl-C cancels main once, its cleanup may await, and a second Ctrl-C ends the process at once.</summary>
internal static class LongRunning
{
    public static void Run(TextWriter output, TimeSpan cleanup)
    {
        output.WriteLine("Starting up");
        try
        {
            EventLoop.Run(async loop =>
            {
                try
                {
                    while (true)
                    {
                        output.WriteLine("woke up");
                        await Task.Delay(TimeSpan.FromSeconds(1), loop.TimeProvider, loop.ShutdownToken);
                    }
                }
                catch (OperationCanceledException)
                {
                    output.WriteLine("Caught the cancel before throwing again");
                    await Task.Delay(cleanup, loop.TimeProvider, CancellationToken.None);
                    output.WriteLine("Cleaned up");
                    throw;
                }
            });
        }
        catch (RunInterruptedException)
        {
            output.WriteLine("Catching shutdown");
        }
        output.WriteLine("Shut down");
    }
}
