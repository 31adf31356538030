using ProtoServer;

namespace Tour;

/// <summary>An asynchronous query is only described where it is written, so a plain method may write it; it runs where it is iterated.</summary>
internal static class GeneratorExpression
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        IAsyncEnumerable<string> query = BoringOldMethod(loop, output, Numbers(loop, 6));
        output.WriteLine("described, nothing has run");
        await foreach (string number in query)
        {
            output.WriteLine(number);
        }

        // Comprehensions run in place: {i async for i in ...}, [...] and {k: v ...}.
        HashSet<int> set = await Numbers(loop, 3).ToHashSetAsync();
        List<int> list = await Numbers(loop, 3).ToListAsync();
        Dictionary<int, int> dictionary = await Numbers(loop, 3).ToDictionaryAsync(i => i, i => i);
        output.WriteLine($"{set.Count} in the set, {list.Count} in the list, {dictionary.Count} in the dictionary");
    });

    private static IAsyncEnumerable<string> BoringOldMethod(EventLoop loop, TextWriter output, IAsyncEnumerable<int> numbers) =>
        numbers.Where(async (number, token) => !await IsOddAsync(loop, number, token)).Select(number =>
        {
            output.WriteLine($"found {number}");
            return $"number {number}";
        });

    private static async ValueTask<bool> IsOddAsync(EventLoop loop, int number, CancellationToken token)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider, token);
        return number % 2 != 0;
    }

    private static async IAsyncEnumerable<int> Numbers(EventLoop loop, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider);
            yield return i;
        }
    }
}
