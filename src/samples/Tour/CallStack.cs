using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tour;

/// <summary>Each call pushes a frame with its locals and the place to go on; a return pops it.</summary>
internal static class CallStack
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Run(TextWriter output)
    {
        output.WriteLine("calling main");
        output.WriteLine(InMain(output));
    }

    // Inlined, it would have no frame of its own.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int InMain(TextWriter output)
    {
        output.WriteLine("in main");
        return DoThing(output, 1, 2);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int DoThing(TextWriter output, int x, int y)
    {
        string[] frames = [.. new StackTrace().GetFrames().Take(3).Select(frame => DiagnosticMethodInfo.Create(frame)!.Name)];
        output.WriteLine($"the stack, innermost first: {string.Join(" <- ", frames)}");
        return x + y;
    }
}
