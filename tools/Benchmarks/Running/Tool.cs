using System.ComponentModel;
using System.Diagnostics;

namespace Benchmarks.Running;

/// <summary>A short-lived program whose output is wanted.</summary>
internal static class Tool
{
    /// <summary>What it printed, without the last line end.</summary>
    /// <exception cref="Win32Exception">It is not installed.</exception>
    public static string Output(string program, params string[] arguments) => Run(program, arguments).Output;

    /// <summary>Whether it is installed and ends with code 0.</summary>
    public static bool Succeeds(string program, params string[] arguments)
    {
        try
        {
            return Run(program, arguments).ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static (string Output, int ExitCode) Run(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = SourceTree.Root };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        _ = errors.GetAwaiter().GetResult();
        return (output.TrimEnd(), process.ExitCode);
    }
}
