using System.Diagnostics;

namespace Benchmarks.Running;

/// <summary>Compiles the C peers from their source in <c>peers/</c>, once per change.</summary>
internal static class NativeBuild
{
    private const string Flags = "-O2 -Wall -Wextra -Werror -pthread";

    /// <summary>Why C peers cannot be built here, or null.</summary>
    public static string? MissingCompiler() => CompilerVersion() is null ? "gcc is not installed (apt-get install gcc libc6-dev)" : null;

    /// <summary>Why peers on libuv cannot be built here, or null.</summary>
    public static string? MissingLibuv() => MissingCompiler()
        ?? (Tool.Succeeds("gcc", "-E", "-include", "uv.h", "-x", "c", "/dev/null") ? null : "libuv's headers are not installed (apt-get install libuv1-dev)");

    public static string LibuvVersion()
    {
        string[] lines = Tool.Output("gcc", "-E", "-dM", "-include", "uv/version.h", "-x", "c", "/dev/null").Split('\n');
        return $"libuv {Part("MAJOR")}.{Part("MINOR")}.{Part("PATCH")}";

        string Part(string name) => lines.First(line => line.Contains($"UV_VERSION_{name} ", StringComparison.Ordinal)).Split(' ')[^1];
    }

    /// <summary>The first line of <c>gcc --version</c>, or null.</summary>
    public static string? CompilerVersion() => Tool.Succeeds("gcc", "--version") ? Tool.Output("gcc", "--version").Split('\n')[0] : null;

    /// <summary>Builds one source file and returns the program's path.</summary>
    /// <exception cref="InvalidOperationException">There is no compiler, or it refused the source; the message says what to do.</exception>
    public static string Compile(string source, params string[] libraries) => MissingCompiler() is { } missing
        ? throw new InvalidOperationException(missing)
        : Once(source, (input, output) => ["gcc", .. Flags.Split(' '), "-o", output, input, .. libraries]);

    /// <summary>Runs a compiler, unless its output is newer than everything in <c>peers/</c>.</summary>
    /// <exception cref="InvalidOperationException">It refused the source; the message is its own.</exception>
    public static string Once(string source, Func<string, string, string[]> command)
    {
        string input = SourceTree.Peer(source);
        string folder = SourceTree.At("artifacts", "bench");
        string output = Path.Combine(folder, Path.GetFileNameWithoutExtension(source));

        // Of all, because a source may include another.
        DateTime changed = Directory.EnumerateFiles(Path.GetDirectoryName(input)!).Max(File.GetLastWriteTimeUtc);
        if (File.Exists(output) && File.GetLastWriteTimeUtc(output) > changed)
        {
            return output;
        }

        Directory.CreateDirectory(folder);
        string[] words = command(input, output);
        ProcessStartInfo start = new(words[0], words[1..]) { RedirectStandardError = true };
        using Process compiler = Process.Start(start)!;
        string errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        return compiler.ExitCode == 0 ? output : throw new InvalidOperationException($"{words[0]} refused {source}:\n{errors}");
    }
}
