namespace Tour;

/// <summary>A method is invoked, something is returned, everything moves on line by line.</summary>
internal static class Subroutine
{
    public static void Run(TextWriter output)
    {
        for (int i = 0; i < 3; i++)
        {
            output.WriteLine($"-- {DoThing(i)}");
        }
    }

    private static int DoThing(int i) => i;
}
