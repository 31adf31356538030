namespace Tour;

/// <summary>A generator is a coroutine that can only yield to its caller: it stops, keeps its state, and goes on when asked. Still synchronous.</summary>
internal static class Generator
{
    public static void Run(TextWriter output)
    {
        foreach (int number in DoThings(output))
        {
            output.WriteLine($"got {number}");
        }
        // The shorthand: a query is a generator too, and nothing runs before it is iterated.
        IEnumerable<int> squares = Enumerable.Range(0, 3).Select(i => i * i);
        output.WriteLine(string.Join(", ", squares));
    }

    private static IEnumerable<int> DoThings(TextWriter output)
    {
        for (int i = 0; i < 3; i++)
        {
            int thing = i * 10;
            yield return thing;
            output.WriteLine($"just yielded {thing}");
        }
    }
}
