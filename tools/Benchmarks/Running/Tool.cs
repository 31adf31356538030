using System.Diagnostics;

namespace Benchmarks.Running;

/// <summary>A short-lived program whose output is wanted.</summary>
internal static class Tool
{
    /// <summary>What it printed, without the last line end.</summary>
    public static string Output(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = SourceTree.Root };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.TrimEnd();
    }
}
