using ProtoServer;

namespace Tour;

/// <summary>A task group ends when all of its tasks have: none outlives it, and when one fails the others are cancelled.</summary>
internal static class Grouped
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        await TaskGroup.RunAsync(group =>
        {
            _ = group.CreateTask(token => Say(loop, output, "Hello", 10, token));
            _ = group.CreateTask(token => Say(loop, output, "World", 30, token));
            return Task.CompletedTask;
        });
        output.WriteLine("the group is done");

        try
        {
            await TaskGroup.RunAsync(group =>
            {
                _ = group.CreateTask(token => Say(loop, output, "never said", 60_000, token));
                _ = group.CreateTask(async token =>
                {
                    await Say(loop, output, "about to fail", 10, token);
                    throw new InvalidOperationException("no route to the world");
                });
                return Task.CompletedTask;
            });
        }
        catch (AggregateException failures)
        {
            output.WriteLine($"the group failed: {string.Join(", ", failures.InnerExceptions.Select(failure => failure.Message))}");
        }
    });

    private static async Task Say(EventLoop loop, TextWriter output, string word, int milliseconds, CancellationToken token)
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), loop.TimeProvider, token);
            output.WriteLine(word);
        }
        catch (OperationCanceledException)
        {
            output.WriteLine($"cancelled: {word}");
            throw;
        }
    }
}
