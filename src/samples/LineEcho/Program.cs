using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using LineEcho;
using ProtoServer;

Option<string> host = new("--host") { Description = "Address or name to listen on; * is every address of the machine. Under a socket unit of systemd neither this nor the port counts: its sockets are served", DefaultValueFactory = _ => "127.0.0.1" };
Option<int> port = Number("--port", 7000, value => value is >= 0 and <= IPEndPoint.MaxPort, "from 0 to 65535", "TCP port; 0 picks a free one");
Option<bool> raw = new("--raw") { Description = "Echo bytes as they come, not lines" };
Option<int> maxLine = Number("--max-line", 64 * 1024, value => value is >= 1 and <= 1 << 30, "from 1 to 1073741824", "Longest line, in bytes without its terminator");
Option<int> maxConnections = Number("--max-connections", 10_000, value => value >= 1, "from 1 to 2147483647", "Connections served at a time; more wait");
Option<double> idleTimeout = Number("--idle-timeout", 0d, value => value is >= 0 and <= 1e9, "from 0 to 1000000000",
    "Seconds without a byte in either direction after which a connection is closed; 0 is never");

Option<int> loops = Number("--loops", 1, value => value is >= 0 and <= 1024, "from 0 to 1024", "Event loops, each with a thread of its own; 0 is one for each core");

RootCommand command = new("Echoes lines over TCP, each with the terminator it came with. Ctrl-C or SIGTERM ends it, after every received line was answered.")
{
    host, port, raw, maxLine, maxConnections, idleTimeout, loops,
};
command.SetAction(Serve);
ParseResult parsed = command.Parse(args);
if (parsed.Action is ParseErrorAction failure)
{
    // The error alone, on standard error; help and guesses would go to standard output, which belongs to the server's own lines.
    failure.ShowHelp = false;
    failure.ShowTypoCorrections = false;
}

return parsed.Invoke();

int Serve(ParseResult arguments)
{
    int maxLineBytes = arguments.GetValue(maxLine);
    double idleSeconds = arguments.GetValue(idleTimeout);
    Func<IProtocol> factory = arguments.GetValue(raw)
        ? () => new RawEchoProtocol()
        : () => new LineEchoProtocol { MaxLineBytes = maxLineBytes };
    ServerOptions options = new()
    {
        MaxConnections = arguments.GetValue(maxConnections),
        IdleTimeout = idleSeconds > 0 ? TimeSpan.FromSeconds(idleSeconds) : Timeout.InfiniteTimeSpan,
        InputLimitBytes = Math.Max(1024 * 1024, maxLineBytes + 2), // so that the line's own limit is met first, and answered
    };
    string? address = arguments.GetValue(host) is "*" ? null : arguments.GetValue(host);
    try
    {
        EventLoop.Run(async loop =>
        {
            using EventLoopGroup? group = arguments.GetValue(loops) == 1 ? null : EventLoopGroup.Start(arguments.GetValue(loops), new EventLoopOptions { Name = "echo" });
            IReadOnlyList<(string Name, Socket Socket)> passed = Systemd.TakeListeningSockets();
            List<Func<Task>> serve = passed.Count > 0
                ? [.. passed.Select(one => Listen(loop, group, one.Socket))]
                : [Listen(loop, group, null)];
            Systemd.NotifyReady();
            using CancellationTokenRegistration stopping = loop.ShutdownToken.Register(static () => Systemd.NotifyStopping());
            await Task.WhenAll(serve.Select(static forever => forever()));
        });
        return 0;
    }
    catch (Exception exception) when (exception is SocketException or ArgumentException or PlatformNotSupportedException)
    {
        Console.Error.WriteLine($"LineEcho: {exception.Message}");
        return 1;
    }

    Func<Task> Listen(EventLoop loop, EventLoopGroup? group, Socket? passed)
    {
        if (group is null)
        {
            Server server = passed is null ? loop.CreateServer(factory, address, arguments.GetValue(port), options) : loop.CreateServer(factory, passed, options);
            Announce(server.EndPoints);
            return () => server.ServeForeverAsync();
        }

        ServerGroup servers = passed is null ? group.CreateServer(factory, address, arguments.GetValue(port), options) : group.CreateServer(factory, passed, options);
        Announce(servers.EndPoints);
        return () => servers.ServeForeverAsync();
    }
}

static void Announce(IEnumerable<EndPoint> endPoints)
{
    foreach (EndPoint endPoint in endPoints)
    {
        Console.WriteLine($"listening on {endPoint}");
    }
}

static Option<T> Number<T>(string name, T byDefault, Predicate<T> accepts, string range, string description)
    where T : struct, INumber<T> => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => byDefault,
        CustomParser = result =>
        {
            Token token = result.Tokens[0];
            if (!T.TryParse(token.Value, CultureInfo.InvariantCulture, out T value) || !accepts(value))
            {
                result.AddError($"{name} must be a number {range}, not {token.Value}.");
            }

            return value;
        },
    };
