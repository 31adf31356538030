using ProtoServer;

namespace Tour;

/// <summary>CreateTask puts a task on the loop without ceding control to it: it begins when its creator awaits. From then on the two take turns.</summary>
internal static class TwoTasks
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        LoopTask hello = loop.CreateTask(() => Count(output, "hello"));
        LoopTask world = loop.CreateTask(() => Count(output, "world"));
        output.WriteLine("both created, none has begun");
        await hello;
        await world;
        output.WriteLine("both done");
    });

    private static async Task Count(TextWriter output, string name)
    {
        for (int i = 1; i <= 3; i++)
        {
            output.WriteLine($"{name} {i}");
            await Task.Yield(); // asyncio.sleep(0): let the others run
        }
    }
}
