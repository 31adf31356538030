using System.Runtime.CompilerServices;
using ProtoServer;

namespace Tour;

/// <summary>yield inside an async method: state lives in locals, and there is no class to write. The call itself does nothing and cannot be awaited.</summary>
internal static class AsyncGenerator
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        await foreach (int tick in Ticker(loop, output, TimeSpan.FromMilliseconds(5), 3))
        {
            output.WriteLine($"tick {tick}");
        }

        // await Ticker(...) does not compile, as it throws a TypeError in Python: the call returns the generator, and only its steps can be awaited.
        IAsyncEnumerable<int> oops = Ticker(loop, output, TimeSpan.FromMilliseconds(5), 100);
        output.WriteLine($"awaitable: {(object)oops is Task}");

        // Left half-iterated, it is paused inside its try. The loop knows it, and Run closes it.
        IAsyncEnumerator<int> half = oops.OnLoop(loop).GetAsyncEnumerator();
        await half.MoveNextAsync();
        output.WriteLine($"left after tick {half.Current}; main ends");
    });

    private static async IAsyncEnumerable<int> Ticker(EventLoop loop, TextWriter output, TimeSpan delay, int to, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            for (int i = 0; i < to; i++)
            {
                yield return i;
                await Task.Delay(delay, loop.TimeProvider, cancellationToken);
            }
        }
        finally
        {
            output.WriteLine("ticker closed");
        }
    }
}
