using System.Diagnostics;

namespace Benchmarks.Running;

/// <summary>Compiles the C peers from their source in <c>peers/</c>, once per change.</summary>
internal static class NativeBuild
{
    private const string Flags = "-O2 -Wall -Wextra -Werror";

    /// <summary>Why C peers cannot be built here, or null.</summary>
    public static string? MissingCompiler() => CompilerVersion() is null ? "gcc is not installed (apt-get install gcc libc6-dev)" : null;

    /// <summary>The first line of <c>gcc --version</c>, or null.</summary>
    public static string? CompilerVersion()
    {
        try
        {
            return Tool.Output("gcc", "--version").Split('\n')[0];
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Builds one source file and returns the program's path.</summary>
    /// <exception cref="InvalidOperationException">There is no compiler, or it refused the source; the message says what to do.</exception>
    public static string Compile(string source, params string[] libraries)
    {
        if (MissingCompiler() is { } missing)
        {
            throw new InvalidOperationException(missing);
        }

        string input = SourceTree.At("tools", "Benchmarks", "peers", source);
        string folder = SourceTree.At("artifacts", "bench");
        string output = Path.Combine(folder, Path.GetFileNameWithoutExtension(source));
        if (File.Exists(output) && File.GetLastWriteTimeUtc(output) > File.GetLastWriteTimeUtc(input))
        {
            return output;
        }

        Directory.CreateDirectory(folder);
        ProcessStartInfo start = new("gcc", [.. Flags.Split(' '), "-o", output, input, .. libraries]) { RedirectStandardError = true };
        using Process gcc = Process.Start(start)!;
        string errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        return gcc.ExitCode == 0 ? output : throw new InvalidOperationException($"gcc refused {source}:\n{errors}");
    }
}
