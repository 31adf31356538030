using System.CommandLine;
using System.Net.Sockets;
using KeyValue;
using KeyValue.Commands;
using KeyValue.Journal;
using KeyValue.Store;
using Microsoft.Extensions.Logging;
using ProtoServer;

Option<string> host = new("--host") { Description = "Address to listen on; \"*\" for all.", DefaultValueFactory = _ => "127.0.0.1" };
Option<int> port = new("--port", "-p") { Description = "Port to listen on; 0 takes a free one.", DefaultValueFactory = _ => 6380 };
Option<string?> password = new("--password") { Description = "Password that clients must give with AUTH. Better: the environment variable KEYVALUE_PASSWORD, which other users cannot read." };
Option<bool> unprotected = new("--no-protected-mode") { Description = "Without a password, answer other machines too." };
Option<int> maxClients = new("--maxclients") { Description = "Connections at once; never more than the limit of open files leaves.", DefaultValueFactory = _ => 10_000 };
Option<string> maxMemory = new("--maxmemory") { Description = "Bytes of keys and values, such as 100mb; 0 for no limit.", DefaultValueFactory = _ => "0" };
Option<string> policy = new("--maxmemory-policy") { Description = "What happens at the memory limit.", DefaultValueFactory = _ => "noeviction" };
policy.AcceptOnlyFromAmong("noeviction", "allkeys-lru");
Option<string> maxBulk = new("--max-value") { Description = "Bytes of one value, 1mb to 512mb.", DefaultValueFactory = _ => "64mb" };
Option<string> maxOutput = new("--max-output") { Description = "Bytes of replies that one client may leave unread before it is cut off.", DefaultValueFactory = _ => "256mb" };
Option<int> idle = new("--timeout") { Description = "Seconds of silence after which a connection is closed; 0 for never.", DefaultValueFactory = _ => 0 };
Option<int> stuck = new("--request-timeout") { Description = "Seconds without progress after which a half-sent request is given up; 0 for never.", DefaultValueFactory = _ => 60 };
Option<string?> data = new("--data") { Description = "File that keeps the data (SQLite). Without it, data lives as long as the process." };
Option<string> durability = new("--durability") { Description = "When a write is safe: none (when the system finds time), everysec (within a second), always (before it is acknowledged).", DefaultValueFactory = _ => "everysec" };
durability.AcceptOnlyFromAmong("none", "everysec", "always");
Option<bool> debug = new("--enable-debug") { Description = "Allow DEBUG, which can make the server hang." };
Option<bool> remoteShutdown = new("--remote-shutdown") { Description = "Allow SHUTDOWN from other machines." };
Option<LogLevel> log = new("--log") { Description = "Least level of what is logged to the error output.", DefaultValueFactory = _ => LogLevel.Information };

RootCommand root = new("A small key-value server that speaks RESP: try it with redis-cli or telnet.")
{
    host, port, password, unprotected, maxClients, maxMemory, policy, maxBulk, maxOutput, idle, stuck, data, durability, debug, remoteShutdown, log,
};

root.SetAction(result =>
{
    if (!ConfigCommands.TryBytes(result.GetValue(maxMemory)!, 0, long.MaxValue, out long memoryBytes)
        || !ConfigCommands.TryBytes(result.GetValue(maxBulk)!, 1024 * 1024, 512 * 1024 * 1024, out long bulkBytes)
        || !ConfigCommands.TryBytes(result.GetValue(maxOutput)!, 1024 * 1024, int.MaxValue, out long outputBytes)
        || result.GetValue(maxClients) < 1 || result.GetValue(idle) < 0 || result.GetValue(stuck) < 0)
    {
        Console.Error.WriteLine("A size or number is out of its range: see --help. Sizes are written 1000, 100kb, 100mb or 1gb.");
        return 1;
    }
    KeyValueOptions options = new()
    {
        Host = result.GetValue(host)!,
        Port = result.GetValue(port),
        Password = result.GetValue(password) ?? Environment.GetEnvironmentVariable("KEYVALUE_PASSWORD"),
        IsProtected = !result.GetValue(unprotected),
        MaxClients = result.GetValue(maxClients),
        MaxMemoryBytes = memoryBytes,
        Policy = result.GetValue(policy) == "allkeys-lru" ? EvictionPolicy.AllKeysLru : EvictionPolicy.NoEviction,
        MaxBulkBytes = (int)bulkBytes,
        MaxOutputBytes = (int)outputBytes,
        IdleTimeout = TimeSpan.FromSeconds(result.GetValue(idle)),
        RequestTimeout = TimeSpan.FromSeconds(result.GetValue(stuck)),
        DataFile = result.GetValue(data),
        Durability = result.GetValue(durability) switch
        {
            "none" => Durability.None,
            "always" => Durability.Always,
            _ => Durability.EverySecond,
        },
        AllowsDebug = result.GetValue(debug),
        AllowsRemoteShutdown = result.GetValue(remoteShutdown),
    };
    using ILoggerFactory loggers = LoggerFactory.Create(builder => builder
        .SetMinimumLevel(result.GetValue(log))
        .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
        .AddSimpleConsole(console => console.SingleLine = true));
    try
    {
        EventLoop.Run(
            async loop =>
            {
                await using KeyValueHost served = KeyValueHost.Start(loop, options, loggers);
                Console.WriteLine($"listening on {served.EndPoint}");
                await served.RunAsync();
            },
            new EventLoopOptions { LoggerFactory = loggers });
        return 0;
    }
    catch (Exception exception) when (exception is IOException or SocketException or UnauthorizedAccessException or Microsoft.Data.Sqlite.SqliteException)
    {
        Console.Error.WriteLine($"keyvalue: {exception.Message}");
        return 1;
    }
});

return root.Parse(args).Invoke();
