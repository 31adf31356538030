namespace Benchmarks.Running;

/// <summary>The interpreters for the Python peers, looked for once. Nothing is installed.</summary>
internal static class Python
{
    private static readonly Lazy<string?> _any = new(() => Candidates().FirstOrDefault(python => Tool.Succeeds(python, "-c", "import asyncio")));
    private static readonly Lazy<string?> _withUvloop = new(() => Candidates().FirstOrDefault(python => Tool.Succeeds(python, "-c", "import uvloop")));

    /// <summary>An interpreter with uvloop, or null.</summary>
    public static string? WithUvloop => _withUvloop.Value;

    /// <summary>The same interpreter for asyncio, so that the two differ in their loop only; any other where there is no uvloop; or null.</summary>
    public static string? Any => WithUvloop ?? _any.Value;

    public static string? Missing() => Any is null ? "python3 is not installed (apt-get install python3)" : null;

    public static string? MissingUvloop() => WithUvloop is null
        ? "no python3 here has uvloop (apt-get install python3-uvloop; or a newer one: python3 -m venv artifacts/bench/python && artifacts/bench/python/bin/pip install uvloop)"
        : null;

    public static string Version() => Tool.Output(Any!, "--version");

    public static string UvloopVersion() => $"uvloop {Tool.Output(WithUvloop!, "-c", "import uvloop; print(uvloop.__version__)")}";

    private static string[] Candidates() => [SourceTree.At("artifacts", "bench", "python", "bin", "python3"), "/usr/bin/python3", "python3"];
}
