using ProtoServer;

namespace Tour;

/// <summary>asyncio.gather is Task.WhenAll: results in the order asked for, whatever the order of the ends.</summary>
internal static class Gather
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        string[] words = await Task.WhenAll(Say(loop, output, "Hello", 40), Say(loop, output, "World", 10));
        output.WriteLine(string.Join(" ", words));
    });

    private static async Task<string> Say(EventLoop loop, TextWriter output, string word, int milliseconds)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), loop.TimeProvider);
        output.WriteLine($"{word} is done");
        return word;
    }
}
