using ProtoServer;

namespace Tour;

/// <summary>Run ends when main ends. What is left is cancelled, and its cleanup awaited; a task is never lost on the way, and its failure never silent.</summary>
internal static class NobodyAwaits
{
    public static void Run(TextWriter output) => EventLoop.Run(loop =>
    {
        loop.ExceptionHandler = context => output.WriteLine($"{context.Message} {context.Exception.Message}");
        _ = loop.CreateTask(() =>
        {
            output.WriteLine("Hello");
            return Task.CompletedTask;
        });
        _ = loop.CreateTask(
            async token =>
            {
                try
                {
                    output.WriteLine("World, for ever");
                    await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
                }
                finally
                {
                    output.WriteLine("World is cancelled and cleans up");
                }
            });
        _ = loop.CreateTask(() => throw new InvalidOperationException("Nobody would ever have known."), "careless");
        output.WriteLine("main is finished");
        return Task.CompletedTask;
    });
}
