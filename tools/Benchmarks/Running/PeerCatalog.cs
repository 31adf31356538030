namespace Benchmarks.Running;

/// <summary>The programs that are compared, the limit of each kind first.</summary>
internal static class PeerCatalog
{
    /// <summary>The peer that every server's ratio is relative to.</summary>
    public const string Limit = "raw-c";

    // More than any suite opens: the sample's own default would make the last ones wait.
    private const int MaxConnections = 16_000;

    private static readonly string[] _sharedSocket = ["--shared-socket"];

    /// <summary>Echo servers.</summary>
    public static IReadOnlyList<Peer> Echo { get; } =
    [
        new(Limit, "raw C epoll (the limit)", () => [NativeBuild.Compile("raw_epoll.c"), "0"], NativeBuild.MissingCompiler),
        new("ours-raw", "**ours**, LineEcho --raw", () => LineEcho("--raw"), MissingLineEcho),
        new("ours-line", "**ours**, LineEcho (lines)", () => LineEcho(), MissingLineEcho),
        new("libuv", "libuv (C)", () => [NativeBuild.Compile("libuv_echo.c", "-luv"), "0"], NativeBuild.MissingLibuv, NativeBuild.LibuvVersion),
        new("uvloop", "uvloop protocol", () => [Python.WithUvloop!, SourceTree.Peer("asyncio_echo.py"), "--uvloop", "0"], Python.MissingUvloop, Python.UvloopVersion),
        new("go", "Go net, a goroutine per connection", () => [GoBuild.Compile("go_net.go"), "0"], GoBuild.Missing, GoBuild.Version),
        new("kestrel", "Kestrel ConnectionHandler", () => Self("serve", "kestrel"), () => null),
        new("socket", "async `Socket` on the thread pool", () => Self("serve", "socket"), () => null),
        new("dotnetty", "DotNetty", () => Self("serve", "dotnetty"), () => null, Servers.DotNettyEcho.Version),
        new("asyncio", "asyncio protocol", () => [Python.Any!, SourceTree.Peer("asyncio_echo.py"), "0"], Python.Missing, Python.Version),
    ];

    /// <summary>One server with one loop and with two, and two processes that share nothing at all; and raw C the same way.</summary>
    public static IReadOnlyList<Peer> Loops { get; } =
    [
        new("c-1", "raw C epoll, 1 thread", () => [NativeBuild.Compile("raw_epoll.c"), "0", "1"], NativeBuild.MissingCompiler),
        new("c-2", "raw C epoll, 2 threads", () => [NativeBuild.Compile("raw_epoll.c"), "0", "2"], NativeBuild.MissingCompiler),
        new("c-1x2", "raw C epoll, 2 processes", () => [NativeBuild.Compile("raw_epoll.c"), "0", "1"], NativeBuild.MissingCompiler, Processes: 2),
        new("ours-1", "**ours**, LineEcho --raw --loops 1", () => LineEcho("--raw", "--loops", "1"), MissingLineEcho),
        new("ours-2", "**ours**, LineEcho --raw --loops 2", () => LineEcho("--raw", "--loops", "2"), MissingLineEcho),
        new("ours-1x2", "**ours**, 2 processes of LineEcho --raw --loops 1", () => LineEcho("--raw", "--loops", "1"), MissingLineEcho, Processes: 2),
    ];

    /// <summary>Probes of one kind of work on timers: <c>timers-cancel</c> or <c>timers-fire</c>.</summary>
    public static IReadOnlyList<Peer> Timers(string work) =>
    [
        new("ours", "**ours**, EventLoop.CallLater", () => Self("probe", $"{work}-loop"), () => null),
        new("timer", "System.Threading.Timer", () => Self("probe", $"{work}-timer"), () => null),
        .. PythonProbes(work, "call_later"),
    ];

    /// <summary>Probes of one kind of calls between threads: <c>calls-flood</c> or <c>calls-ping</c>.</summary>
    public static IReadOnlyList<Peer> Calls(string work) =>
    [
        new("ours", "**ours**, EventLoop.CallSoonThreadSafe", () => Self("probe", $"{work}-loop"), () => null),
        new("post", "**ours**, SynchronizationContext.Post", () => Self("probe", $"{work}-post"), () => null),
        new("channel", "`Channel<Action>`, read by an async method", () => Self("probe", $"{work}-channel"), () => null),
        new("pump", "`BlockingCollection<Action>`, read by a thread", () => Self("probe", $"{work}-pump"), () => null),
        .. PythonProbes(work, "call_soon_threadsafe"),
    ];

    /// <summary>A server of ours that tells how connections spread over its loops.</summary>
    public static Peer Spread(int loops, bool sharedSocket) =>
        new("spread", "", () => Self(["serve", "spread", "--loops", $"{loops}", .. sharedSocket ? _sharedSocket : []]), () => null);

    private static string LineEchoAssembly => SourceTree.At("src", "samples", "LineEcho", "bin", "Release", "net10.0", "LineEcho.dll");

    private static string? MissingLineEcho() => File.Exists(LineEchoAssembly) ? null : "src/samples/LineEcho is not built in Release (dotnet build -c Release src/samples/LineEcho)";

    private static IReadOnlyList<string> LineEcho(params string[] arguments) =>
        ["dotnet", LineEchoAssembly, "--host", "127.0.0.1", "--port", "0", "--max-connections", $"{MaxConnections}", .. arguments];

    private static IReadOnlyList<string> Self(params string[] arguments) => ["dotnet", typeof(PeerCatalog).Assembly.Location, .. arguments];

    private static IReadOnlyList<Peer> PythonProbes(string work, string function) =>
    [
        new("uvloop", $"uvloop, {function}", () => [Python.WithUvloop!, SourceTree.Peer("asyncio_probe.py"), "--uvloop", work], Python.MissingUvloop, Python.UvloopVersion),
        new("asyncio", $"asyncio, {function}", () => [Python.Any!, SourceTree.Peer("asyncio_probe.py"), work], Python.Missing, Python.Version),
    ];
}
