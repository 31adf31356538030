using ProtoServer;

namespace Tour;

/// <summary>A task that sleeps cedes the loop: the others run in the time that it gives them.</summary>
internal static class Sleep
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        LoopTask hello = loop.CreateTask(() => Say(output, "Hello"));
        LoopTask world = loop.CreateTask(() => Say(output, "World"));
        await Task.Delay(TimeSpan.FromMilliseconds(50), loop.TimeProvider);
        output.WriteLine("now we await");
        await hello;
        await world;
        output.WriteLine("both were done already");
    });

    private static async Task Say(TextWriter output, string word)
    {
        await Task.Yield();
        output.WriteLine(word);
    }
}
