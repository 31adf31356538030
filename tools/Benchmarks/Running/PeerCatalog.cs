namespace Benchmarks.Running;

/// <summary>The echo servers that are compared, the limit first.</summary>
internal static class PeerCatalog
{
    /// <summary>The peer that every ratio is relative to.</summary>
    public const string Limit = "raw-c";

    public static IReadOnlyList<Peer> Echo { get; } =
    [
        new(Limit, "raw C epoll (the limit)", () => [NativeBuild.Compile("raw_epoll.c"), "0"], NativeBuild.MissingCompiler),
        new("ours-raw", "**ours**, LineEcho --raw", () => [.. LineEcho(), "--raw"], MissingLineEcho),
        new("ours-line", "**ours**, LineEcho (lines)", LineEcho, MissingLineEcho),
        new("kestrel", "Kestrel ConnectionHandler", () => Self("kestrel"), () => null),
        new("socket", "async `Socket` on the thread pool", () => Self("socket"), () => null),
    ];

    private static string LineEchoAssembly => SourceTree.At("src", "samples", "LineEcho", "bin", "Release", "net10.0", "LineEcho.dll");

    private static string? MissingLineEcho() => File.Exists(LineEchoAssembly) ? null : "src/samples/LineEcho is not built in Release";

    private static IReadOnlyList<string> LineEcho() => ["dotnet", LineEchoAssembly, "--host", "127.0.0.1", "--port", "0"];

    private static IReadOnlyList<string> Self(string server) => ["dotnet", typeof(PeerCatalog).Assembly.Location, "serve", server];
}
