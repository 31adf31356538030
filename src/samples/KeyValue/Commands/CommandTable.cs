using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using static KeyValue.Commands.CommandFlags;

namespace KeyValue.Commands;

/// <summary>Every command: one row each, which feeds dispatch, the check of arguments, COMMAND DOCS, HELP and the document of the protocol.</summary>
internal sealed class CommandTable
{
    private static readonly (int First, int Last, int Step) None = (0, 0, 0);
    private static readonly (int First, int Last, int Step) One = (1, 1, 1);
    private static readonly (int First, int Last, int Step) Every = (1, -1, 1);
    private static readonly (int First, int Last, int Step) Second = (2, 2, 1);

    private readonly Command?[] _slots;
    private readonly List<Command> _all = [];

    public CommandTable()
    {
        Commands = Rows();
        _slots = new Command?[BitOperations.RoundUpToPowerOf2((uint)Commands.Count * 4)];
        foreach (Command command in Commands)
        {
            uint slot = Hash(command.NameBytes);
            while (_slots[slot & (_slots.Length - 1)] is not null)
            {
                slot++;
            }
            _slots[slot & (_slots.Length - 1)] = command;
            Number(command);
            foreach (Command subcommand in command.Subcommands)
            {
                subcommand.Parent = command;
                Number(subcommand);
            }
        }
    }

    /// <summary>The commands, in the order of the groups.</summary>
    public IReadOnlyList<Command> Commands { get; }

    /// <summary>The commands and their subcommands.</summary>
    public IReadOnlyList<Command> All => _all;

    /// <summary>The command with a name in capitals or not; null if there is none.</summary>
    public Command? Find(ReadOnlySpan<byte> name)
    {
        for (uint slot = Hash(name); _slots[slot & (_slots.Length - 1)] is Command command; slot++)
        {
            if (Ascii.EqualsIgnoreCase(command.NameBytes, name))
            {
                return command;
            }
        }
        return null;
    }

    /// <summary>The subcommand with a name; null if there is none.</summary>
    public static Command? FindSubcommand(Command command, ReadOnlySpan<byte> name)
    {
        foreach (Command subcommand in command.Subcommands)
        {
            if (Ascii.EqualsIgnoreCase(subcommand.NameBytes, name))
            {
                return subcommand;
            }
        }
        return null;
    }

    private void Number(Command command)
    {
        command.Index = _all.Count;
        _all.Add(command);
    }

    /// <summary>The same for capitals and small letters; names are few and known, so nothing better is needed.</summary>
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        uint bits = name.Length switch
        {
            >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(name) ^ BitOperations.RotateLeft(BinaryPrimitives.ReadUInt32LittleEndian(name[^4..]) | 0x20202020, 13),
            3 => name[0] | ((uint)name[1] << 8) | ((uint)name[2] << 16),
            > 0 => name[0] | ((uint)name[^1] << 8),
            _ => 0,
        };
        return ((bits | 0x20202020) * 0x9E3779B1) >> 16;
    }

    private static List<Command> Rows() =>
    [
        .. Connection(),
        .. Server(),
        .. Strings(),
        .. Keys(),
        .. Expiry(),
    ];

    private static Command[] Connection() =>
    [
        new("ping", -1, Fast, None, "connection", "[message]", "O(1)", "Answers PONG, or the message.", ConnectionCommands.Ping),
        new("echo", 2, Fast, None, "connection", "message", "O(1)", "Answers the message.", ConnectionCommands.Echo),
        new("quit", -1, Fast | NoAuth, None, "connection", "", "O(1)", "Closes the connection after the replies that are owed.", ConnectionCommands.Quit),
        new("hello", -1, Fast | NoAuth, None, "connection", "[protover [AUTH username password] [SETNAME clientname]]", "O(1)", "Chooses the version of the protocol and tells about the server.", ConnectionCommands.Hello),
        new("auth", -2, Fast | NoAuth, None, "connection", "[username] password", "O(1)", "Gives the password.", ConnectionCommands.Auth),
        new("select", 2, Fast, None, "connection", "index", "O(1)", "Selects a database.", ConnectionCommands.Select),
        new("reset", 1, Fast | NoAuth, None, "connection", "", "O(1)", "Makes the connection as it was when it was new.", ConnectionCommands.Reset),
        new("client", -2, CommandFlags.None, None, "connection", "", "Depends on the subcommand.", "Commands on connections.", null)
        {
            Subcommands =
            [
                new("getname", 2, CommandFlags.None, None, "connection", "", "O(1)", "Tells the connection's name.", ClientCommands.GetName),
                new("id", 2, CommandFlags.None, None, "connection", "", "O(1)", "Tells the connection's number.", ClientCommands.Id),
                new("info", 2, CommandFlags.None, None, "connection", "", "O(1)", "Describes this connection in one line.", ClientCommands.Info),
                new("kill", -3, Admin, None, "connection", "addr:port | [ID client-id] [TYPE type] [USER username] [ADDR addr:port] [LADDR addr:port] [SKIPME yes|no]", "O(N), N being the connections", "Closes connections.", ClientCommands.Kill),
                new("list", -2, Admin, None, "connection", "[TYPE type | ID client-id [client-id ...]]", "O(N), N being the connections", "Describes connections, a line each.", ClientCommands.List),
                new("no-evict", 3, Admin, None, "connection", "on|off", "O(1)", "Accepted; connections are never evicted here.", ClientCommands.NoEvict),
                new("reply", 3, CommandFlags.None, None, "connection", "on|off|skip", "O(1)", "Says whether the connection wants replies.", ClientCommands.Reply),
                new("setinfo", 4, CommandFlags.None, None, "connection", "LIB-NAME libname | LIB-VER libver", "O(1)", "Names the client library.", ClientCommands.SetInfo),
                new("setname", 3, CommandFlags.None, None, "connection", "connection-name", "O(1)", "Names the connection.", ClientCommands.SetName),
                new("unpause", 2, Admin, None, "connection", "", "O(1)", "Accepted; connections are never paused here.", ClientCommands.Unpause),
                Help("connection"),
            ],
        },
    ];

    private static Command[] Server() =>
    [
        new("command", -1, CommandFlags.None, None, "server", "", "O(N), N being the commands", "Describes the commands.", CommandCommands.Info)
        {
            Subcommands =
            [
                new("count", 2, CommandFlags.None, None, "server", "", "O(1)", "Counts the commands.", CommandCommands.Count),
                new("docs", -2, CommandFlags.None, None, "server", "[command-name [command-name ...]]", "O(N), N being the commands", "Describes commands for people.", CommandCommands.Docs),
                new("getkeys", -4, CommandFlags.None, None, "server", "command arg [arg ...]", "O(N), N being the arguments", "Picks the keys out of a command.", CommandCommands.GetKeys),
                new("info", -2, CommandFlags.None, None, "server", "[command-name [command-name ...]]", "O(N), N being the commands", "Describes commands for clients.", CommandCommands.Info),
                new("list", -2, CommandFlags.None, None, "server", "", "O(N), N being the commands", "Names the commands.", CommandCommands.List),
                Help("server"),
            ],
        },
        new("config", -2, Admin, None, "server", "", "Depends on the subcommand.", "Commands on settings.", null)
        {
            Subcommands =
            [
                new("get", -3, Admin, None, "server", "parameter [parameter ...]", "O(N), N being the settings", "Tells settings that match patterns.", ConfigCommands.Get),
                new("resetstat", 2, Admin, None, "server", "", "O(1)", "Sets the counters of INFO to 0.", ConfigCommands.ResetStat),
                new("rewrite", 2, Admin, None, "server", "", "O(1)", "Refused: there is no configuration file.", ConfigCommands.Rewrite),
                new("set", -4, Admin, None, "server", "parameter value [parameter value ...]", "O(N), N being the settings given", "Changes settings until the server ends.", ConfigCommands.Set),
                Help("server"),
            ],
        },
        new("dbsize", 1, ReadOnly | Fast, None, "server", "", "O(1)", "Counts the keys of the database.", KeyCommands.DbSize),
        new("flushdb", -1, Write, None, "server", "[ASYNC|SYNC]", "O(N), N being the keys", "Removes the keys of the database.", KeyCommands.FlushDb),
        new("flushall", -1, Write, None, "server", "[ASYNC|SYNC]", "O(N), N being the keys", "Removes the keys of all databases.", KeyCommands.FlushAll),
        new("swapdb", 3, Write | Fast, None, "server", "index1 index2", "O(1)", "Exchanges two databases.", KeyCommands.SwapDb),
        new("info", -1, CommandFlags.None, None, "server", "[section [section ...]]", "O(N), N being the counters", "Tells about the server.", ServerCommands.Info),
        new("time", 1, Fast, None, "server", "", "O(1)", "Tells the time in seconds and microseconds.", ServerCommands.Time),
        new("monitor", 1, Admin, None, "server", "", "O(1) for each command of anyone", "Sends a line for each command that anyone gives.", ConnectionCommands.Monitor),
        new("memory", -2, ReadOnly, None, "server", "", "Depends on the subcommand.", "Commands on memory.", null)
        {
            Subcommands =
            [
                new("usage", -3, ReadOnly, Second, "server", "key [SAMPLES count]", "O(1)", "Estimates the bytes that a key and its value take.", KeyCommands.MemoryUsage),
                Help("server"),
            ],
        },
        new("shutdown", -1, Admin, None, "server", "[NOSAVE|SAVE] [NOW] [FORCE]", "O(N), N being the replies that are owed", "Ends the server.", ServerCommands.Shutdown),
        new("wait", 3, CommandFlags.None, None, "server", "numreplicas timeout", "O(1)", "Answers 0: there are no replicas.", ServerCommands.Wait),
        new("cluster", -2, CommandFlags.None, None, "server", "subcommand [arg ...]", "O(1)", "Refused: there is no cluster.", ServerCommands.Cluster),
        new("function", -2, CommandFlags.None, None, "server", "", "O(1)", "Commands on functions, of which there are none.", null)
        {
            Subcommands = [new("flush", -2, CommandFlags.None, None, "server", "[ASYNC|SYNC]", "O(1)", "Accepted; there is nothing to remove.", ServerCommands.Flush), Help("server")],
        },
        new("script", -2, CommandFlags.None, None, "server", "", "O(1)", "Commands on scripts, of which there are none.", null)
        {
            Subcommands = [new("flush", -2, CommandFlags.None, None, "server", "[ASYNC|SYNC]", "O(1)", "Accepted; there is nothing to remove.", ServerCommands.Flush), Help("server")],
        },
        new("debug", -2, Admin, None, "server", "SLEEP seconds | SET-ACTIVE-EXPIRE 0|1 | LOG message | PROTOCOL type", "Depends on the subcommand.", "For tests; refused unless the server was started with --enable-debug.", ServerCommands.Debug),
    ];

    private static Command[] Strings() =>
    [
        new("get", 2, ReadOnly | Fast, One, "string", "key", "O(1)", "Tells the value of a key.", StringCommands.Get),
        new("set", -3, Write | DenyOom, One, "string", "key value [NX|XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]", "O(1)", "Sets the value of a key.", StringCommands.Set),
        new("setnx", 3, Write | DenyOom | Fast, One, "string", "key value", "O(1)", "Sets the value of a key that is not there.", StringCommands.SetNx),
        new("setex", 4, Write | DenyOom, One, "string", "key seconds value", "O(1)", "Sets a value with a time to live.", StringCommands.SetEx),
        new("psetex", 4, Write | DenyOom, One, "string", "key milliseconds value", "O(1)", "Sets a value with a time to live.", StringCommands.PSetEx),
        new("getset", 3, Write | DenyOom | Fast, One, "string", "key value", "O(1)", "Sets a value and tells the one before.", StringCommands.GetSet),
        new("getdel", 2, Write | Fast, One, "string", "key", "O(1)", "Tells the value of a key and removes it.", StringCommands.GetDel),
        new("getex", -2, Write | Fast, One, "string", "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]", "O(1)", "Tells the value of a key and changes its time to live.", StringCommands.GetEx),
        new("mget", -2, ReadOnly | Fast, Every, "string", "key [key ...]", "O(N), N being the keys", "Tells several values.", StringCommands.MGet),
        new("mset", -3, Write | DenyOom, (1, -1, 2), "string", "key value [key value ...]", "O(N), N being the keys", "Sets several values at once.", StringCommands.MSet),
        new("msetnx", -3, Write | DenyOom, (1, -1, 2), "string", "key value [key value ...]", "O(N), N being the keys", "Sets several values if none of the keys is there.", StringCommands.MSetNx),
        new("append", 3, Write | DenyOom | Fast, One, "string", "key value", "O(1) amortized; with --data O(N), N being the length of the value", "Appends to a value.", StringCommands.Append),
        new("strlen", 2, ReadOnly | Fast, One, "string", "key", "O(1)", "Tells the length of a value.", StringCommands.StrLen),
        new("getrange", 4, ReadOnly, One, "string", "key start end", "O(N), N being the length of the piece", "Tells a piece of a value.", StringCommands.GetRange),
        new("substr", 4, ReadOnly, One, "string", "key start end", "O(N), N being the length of the piece", "Tells a piece of a value.", StringCommands.GetRange),
        new("setrange", 4, Write | DenyOom, One, "string", "key offset value", "O(N), N being the length of the value", "Overwrites a piece of a value.", StringCommands.SetRange),
        new("incr", 2, Write | DenyOom | Fast, One, "string", "key", "O(1)", "Adds 1 to a number.", NumberCommands.Incr),
        new("decr", 2, Write | DenyOom | Fast, One, "string", "key", "O(1)", "Subtracts 1 from a number.", NumberCommands.Decr),
        new("incrby", 3, Write | DenyOom | Fast, One, "string", "key increment", "O(1)", "Adds to a number.", NumberCommands.IncrBy),
        new("decrby", 3, Write | DenyOom | Fast, One, "string", "key decrement", "O(1)", "Subtracts from a number.", NumberCommands.DecrBy),
        new("incrbyfloat", 3, Write | DenyOom | Fast, One, "string", "key increment", "O(1)", "Adds to a number that may have a fraction.", NumberCommands.IncrByFloat),
        new("setbit", 4, Write | DenyOom, One, "bitmap", "key offset value", "O(N), N being the length of the value", "Sets a bit of a value.", StringCommands.SetBit),
        new("getbit", 3, ReadOnly | Fast, One, "bitmap", "key offset", "O(1)", "Tells a bit of a value.", StringCommands.GetBit),
    ];

    private static Command[] Keys() =>
    [
        new("del", -2, Write, Every, "generic", "key [key ...]", "O(N), N being the keys", "Removes keys.", KeyCommands.Del),
        new("unlink", -2, Write | Fast, Every, "generic", "key [key ...]", "O(N), N being the keys", "Removes keys.", KeyCommands.Del),
        new("exists", -2, ReadOnly | Fast, Every, "generic", "key [key ...]", "O(N), N being the keys", "Counts the keys that are there.", KeyCommands.Exists),
        new("touch", -2, ReadOnly | Fast, Every, "generic", "key [key ...]", "O(N), N being the keys", "Marks keys as used.", KeyCommands.Touch),
        new("type", 2, ReadOnly | Fast, One, "generic", "key", "O(1)", "Tells the type of a value.", KeyCommands.Type),
        new("keys", 2, ReadOnly, None, "generic", "pattern", "O(N), N being the keys of the database", "Tells the keys that match a pattern.", KeyCommands.Keys),
        new("scan", -2, ReadOnly, None, "generic", "cursor [MATCH pattern] [COUNT count] [TYPE type]", "O(1) for each call", "Goes through the keys piece by piece.", KeyCommands.Scan),
        new("randomkey", 1, ReadOnly, None, "generic", "", "O(1)", "Tells a key picked at random.", KeyCommands.RandomKey),
        new("rename", 3, Write, (1, 2, 1), "generic", "key newkey", "O(1)", "Renames a key.", KeyCommands.Rename),
        new("renamenx", 3, Write | Fast, (1, 2, 1), "generic", "key newkey", "O(1)", "Renames a key unless the new name is taken.", KeyCommands.RenameNx),
        new("copy", -3, Write | DenyOom, (1, 2, 1), "generic", "source destination [DB destination-db] [REPLACE]", "O(N), N being the length of the value", "Copies a key.", KeyCommands.Copy),
        new("move", 3, Write | Fast, One, "generic", "key db", "O(1)", "Moves a key to another database.", KeyCommands.Move),
        new("object", -2, ReadOnly, None, "generic", "", "O(1)", "Commands on how a value is kept.", null)
        {
            Subcommands =
            [
                new("encoding", 3, ReadOnly, Second, "generic", "key", "O(1)", "Tells how a value is kept.", KeyCommands.ObjectEncoding),
                new("freq", 3, ReadOnly, Second, "generic", "key", "O(1)", "Refused: how often a key is used is not counted.", KeyCommands.ObjectFreq),
                new("idletime", 3, ReadOnly, Second, "generic", "key", "O(1)", "Tells the seconds since a key was used.", KeyCommands.ObjectIdleTime),
                new("refcount", 3, ReadOnly, Second, "generic", "key", "O(1)", "Answers 1: values are not shared.", KeyCommands.ObjectRefCount),
                Help("generic"),
            ],
        },
    ];

    private static Command[] Expiry() =>
    [
        new("expire", -3, Write | Fast, One, "generic", "key seconds [NX|XX|GT|LT]", "O(log N), N being the keys with a time to live", "Sets the time to live of a key.", ExpiryCommands.Expire),
        new("pexpire", -3, Write | Fast, One, "generic", "key milliseconds [NX|XX|GT|LT]", "O(log N), N being the keys with a time to live", "Sets the time to live of a key.", ExpiryCommands.PExpire),
        new("expireat", -3, Write | Fast, One, "generic", "key unix-time-seconds [NX|XX|GT|LT]", "O(log N), N being the keys with a time to live", "Sets the date at which a key expires.", ExpiryCommands.ExpireAt),
        new("pexpireat", -3, Write | Fast, One, "generic", "key unix-time-milliseconds [NX|XX|GT|LT]", "O(log N), N being the keys with a time to live", "Sets the date at which a key expires.", ExpiryCommands.PExpireAt),
        new("ttl", 2, ReadOnly | Fast, One, "generic", "key", "O(1)", "Tells the time to live in seconds.", ExpiryCommands.Ttl),
        new("pttl", 2, ReadOnly | Fast, One, "generic", "key", "O(1)", "Tells the time to live in milliseconds.", ExpiryCommands.PTtl),
        new("expiretime", 2, ReadOnly | Fast, One, "generic", "key", "O(1)", "Tells the date at which a key expires, in seconds.", ExpiryCommands.ExpireTime),
        new("pexpiretime", 2, ReadOnly | Fast, One, "generic", "key", "O(1)", "Tells the date at which a key expires, in milliseconds.", ExpiryCommands.PExpireTime),
        new("persist", 2, Write | Fast, One, "generic", "key", "O(1)", "Removes the time to live of a key.", ExpiryCommands.Persist),
    ];

    private static Command Help(string group) => new("help", 2, CommandFlags.None, None, group, "", "O(N), N being the subcommands", "Describes the subcommands.", CommandCommands.Help);
}
