using System.CommandLine;
using System.CommandLine.Parsing;
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

port.Validators.Add(InRange(0, 65_535));
maxClients.Validators.Add(InRange(1, int.MaxValue));
idle.Validators.Add(InRange(0, int.MaxValue));
stuck.Validators.Add(InRange(0, int.MaxValue));
maxMemory.Validators.Add(Size(0, long.MaxValue));
maxBulk.Validators.Add(Size(1024 * 1024, 512 * 1024 * 1024));
maxOutput.Validators.Add(Size(1024 * 1024, int.MaxValue));
data.Validators.Add(result =>
{
    if (result.GetValueOrDefault<string?>() is "")
    {
        result.AddError("--data needs the name of a file; leave it out to keep nothing.");
    }
});

RootCommand root = new("A small key-value server that speaks RESP: try it with redis-cli or telnet.")
{
    host, port, password, unprotected, maxClients, maxMemory, policy, maxBulk, maxOutput, idle, stuck, data, durability, debug, remoteShutdown, log,
};

root.Validators.Add(result =>
{
    if (result.GetResult(durability) is { Implicit: false } && result.GetResult(data) is null or { Implicit: true })
    {
        result.AddError("--durability says when --data FILE is safe: name the file, or leave both out.");
    }
});

root.SetAction(result =>
{
    KeyValueOptions options = new()
    {
        Host = result.GetValue(host)!,
        Port = result.GetValue(port),
        Password = result.GetValue(password) ?? Environment.GetEnvironmentVariable("KEYVALUE_PASSWORD"),
        IsProtected = !result.GetValue(unprotected),
        MaxClients = result.GetValue(maxClients),
        MaxMemoryBytes = Bytes(result.GetValue(maxMemory)!),
        Policy = result.GetValue(policy) == "allkeys-lru" ? EvictionPolicy.AllKeysLru : EvictionPolicy.NoEviction,
        MaxBulkBytes = (int)Bytes(result.GetValue(maxBulk)!),
        MaxOutputBytes = (int)Bytes(result.GetValue(maxOutput)!),
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
    bool keptAll = true;
    try
    {
        EventLoop.Run(
            async loop =>
            {
                KeyValueHost served = KeyValueHost.Start(loop, options, loggers);
                await using (served)
                {
                    Console.WriteLine($"listening on {served.EndPoint}");
                    await served.RunAsync();
                }
                keptAll = served.Server.Journal?.Lost is null;
            },
            new EventLoopOptions { LoggerFactory = loggers });
        return keptAll ? 0 : 1;
    }
    catch (Exception exception) when (exception is IOException or SocketException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"keyvalue: {exception.Message}");
        return 1;
    }
});

return root.Parse(args).Invoke();

static Action<OptionResult> InRange(int least, int most) => result =>
{
    if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, out int value) && (value < least || value > most))
    {
        result.AddError($"{result.Option.Name} is from {least} to {most}.");
    }
};

static Action<OptionResult> Size(long least, long most) => result =>
{
    if (result.Tokens.Count > 0 && !ConfigCommands.TryBytes(result.Tokens[0].Value, least, most, out _))
    {
        result.AddError($"{result.Option.Name} is a number of bytes from {least} to {most}, written as 1000, 100kb, 100mb or 1gb.");
    }
};

static long Bytes(string text) => ConfigCommands.TryBytes(text, 0, long.MaxValue, out long bytes) ? bytes : 0;
