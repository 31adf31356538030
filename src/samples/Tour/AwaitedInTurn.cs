using ProtoServer;

namespace Tour;

/// <summary>Awaiting runs one after the other. What differs from Python: a C# async method begins when it is called, not when it is awaited.</summary>
internal static class AwaitedInTurn
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        await Say(loop, output, "Hello");
        await Say(loop, output, "World");

        // In Python this is the same again, for a coroutine sleeps until it is awaited. Here both have begun before the first await: tasks are "hot".
        Task hello = Say(loop, output, "Hello");
        Task world = Say(loop, output, "World");
        await hello;
        await world;
    });

    private static async Task Say(EventLoop loop, TextWriter output, string word)
    {
        output.WriteLine($"{word} begins");
        await Task.Delay(TimeSpan.FromMilliseconds(20), loop.TimeProvider);
        output.WriteLine($"{word} ends");
    }
}
