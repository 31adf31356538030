namespace Benchmarks.Running;

/// <summary>Compiles the Go peers from their source in <c>peers/</c>, once per change.</summary>
internal static class GoBuild
{
    public static string? Missing() => Tool.Succeeds("go", "version") ? null : "go is not installed (apt-get install golang-go)";

    public static string Version() => Tool.Output("go", "env", "GOVERSION");

    /// <summary>Builds one source file and returns the program's path.</summary>
    /// <exception cref="InvalidOperationException">The compiler refused the source.</exception>
    public static string Compile(string source) => NativeBuild.Once(source, (input, output) => ["go", "build", "-o", output, input]);
}
