using System.Threading.Channels;

namespace Benchmarks.Probes;

/// <summary>What one writes without a loop: a channel of actions, and one reader.</summary>
internal static class ChannelCalls
{
    public static void Flood(int count, Action begin) => WithReader(call => CallerThread.Flood(count, begin, call));

    public static void Ping(int count, Action begin) => WithReader(call => CallerThread.Ping(count, begin, call));

    private static void WithReader(Action<Action<Action>> work)
    {
        var channel = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
        Task reading = ReadAsync(channel.Reader);
        work(action => channel.Writer.TryWrite(action));
        channel.Writer.Complete();
        reading.GetAwaiter().GetResult();
    }

    private static async Task ReadAsync(ChannelReader<Action> reader)
    {
        await Task.Yield();
        while (await reader.WaitToReadAsync())
        {
            while (reader.TryRead(out Action? action))
            {
                action();
            }
        }
    }
}
