using System.Globalization;
using System.Text;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>CONFIG and its subcommands, from one table of settings.</summary>
internal static class ConfigCommands
{
    /// <summary>A setting: how it is read, and how it is changed; one that cannot be changed has no setter.</summary>
    private sealed record Setting(string Name, Func<KeyValueServer, string> Get, Func<KeyValueServer, string, bool>? Set = null);

    private static readonly Setting[] Settings =
    [
        new("appendfsync", server => server.DurabilityName is "none" ? "no" : server.DurabilityName),
        new("appendonly", server => server.Journal is null ? "no" : "yes"),
        new("bind", server => server.Host),
        new("client-query-buffer-limit", server => Text(server.Limits.MaxRequestBytes), (server, value) =>
            TryBytes(value, 1024 * 1024, 1024 * 1024 * 1024, out long bytes) && server.SetLimits(server.Limits with { MaxRequestBytes = (int)bytes })),
        new("databases", _ => Text(KeySpace.DatabaseCount)),
        new("maxclients", server => Text(server.MaxClients), (server, value) =>
        {
            bool valid = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= 1 && count <= server.MostClients;
            server.MaxClients = valid ? count : server.MaxClients;
            return valid;
        }),
        new("maxmemory", server => Text(server.Space.MaxMemoryBytes), (server, value) =>
        {
            bool valid = TryBytes(value, 0, long.MaxValue, out long bytes);
            server.Space.MaxMemoryBytes = valid ? bytes : server.Space.MaxMemoryBytes;
            return valid;
        }),
        new("maxmemory-policy", server => server.Space.Policy == EvictionPolicy.NoEviction ? "noeviction" : "allkeys-lru", (server, value) =>
        {
            bool isLru = value.Equals("allkeys-lru", StringComparison.OrdinalIgnoreCase);
            bool valid = isLru || value.Equals("noeviction", StringComparison.OrdinalIgnoreCase);
            server.Space.Policy = valid ? isLru ? EvictionPolicy.AllKeysLru : EvictionPolicy.NoEviction : server.Space.Policy;
            return valid;
        }),
        new("port", server => Text(server.Port)),
        new("proto-max-bulk-len", server => Text(server.Limits.MaxBulkBytes), (server, value) =>
            TryBytes(value, 1024 * 1024, 512 * 1024 * 1024, out long bytes)
                && server.SetLimits(server.Limits with { MaxBulkBytes = (int)bytes, MaxRequestBytes = KeyValueServer.RequestBytesFor((int)bytes) })),
        new("protected-mode", server => server.IsProtected ? "yes" : "no", (server, value) =>
        {
            bool valid = TryYesNo(value, out bool yes);
            server.IsProtected = valid ? yes : server.IsProtected;
            return valid;
        }),
        new("replica-read-only", _ => "yes"),
        new("requirepass", server => Encoding.Latin1.GetString(server.Password ?? []), (server, value) =>
        {
            server.SetPassword(value.Length == 0 ? null : Encoding.Latin1.GetBytes(value));
            return true;
        }),
        new("save", _ => ""),
        new("timeout", server => Text((long)server.IdleTimeout.TotalSeconds), (server, value) =>
        {
            bool valid = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds);
            server.IdleTimeout = valid ? TimeSpan.FromSeconds(seconds) : server.IdleTimeout;
            return valid;
        }),
        // Accepted so that tools which set them go on; they rule things that this server does not have.
        .. new[]
        {
            "client-output-buffer-limit", "hash-max-listpack-entries", "hash-max-listpack-value", "hash-max-ziplist-entries", "hash-max-ziplist-value",
            "list-compress-depth", "list-max-listpack-size", "list-max-ziplist-size", "lua-time-limit", "notify-keyspace-events", "set-max-intset-entries",
            "zset-max-listpack-entries", "zset-max-listpack-value", "zset-max-ziplist-entries", "zset-max-ziplist-value",
        }.Select(name => new Setting(name, server => server.IgnoredSettings.GetValueOrDefault(name, ""), (server, value) =>
        {
            server.IgnoredSettings[name] = value;
            return true;
        })),
    ];

    public static void Get(scoped in CommandCall call, ref RespWriter reply)
    {
        List<Setting> found = [];
        foreach (Setting setting in Settings)
        {
            for (int i = 2; i < call.Count; i++)
            {
                if (Glob.IsMatch(call[i], Encoding.ASCII.GetBytes(setting.Name), ignoreCase: true))
                {
                    found.Add(setting);
                    break;
                }
            }
        }
        reply.Map(found.Count);
        foreach (Setting setting in found)
        {
            reply.Bulk(Encoding.ASCII.GetBytes(setting.Name));
            reply.Bulk(Encoding.Latin1.GetBytes(setting.Get(call.Server)));
        }
    }

    public static void Set(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count % 2 != 0)
        {
            call.Fail(ref reply, Errors.Syntax);
            return;
        }
        // All names first, and all values back when one is bad: an error must not leave half of them set.
        for (int i = 2; i < call.Count; i += 2)
        {
            string name = Errors.Quote(call[i]);
            Setting? setting = Find(name);
            if (setting is null)
            {
                call.Fail(ref reply, $"ERR Unknown option or number of arguments for CONFIG SET - '{name}'");
                return;
            }
            if (setting.Set is null)
            {
                call.Fail(ref reply, $"ERR CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config");
                return;
            }
            for (int earlier = 2; earlier < i; earlier += 2)
            {
                if (Find(Errors.Quote(call[earlier])) == setting)
                {
                    call.Fail(ref reply, $"ERR CONFIG SET failed (possibly related to argument '{name}') - duplicate parameter");
                    return;
                }
            }
        }
        Stack<(Setting Setting, string Value)> before = [];
        for (int i = 2; i < call.Count; i += 2)
        {
            string name = Errors.Quote(call[i]);
            Setting setting = Find(name)!;
            before.Push((setting, setting.Get(call.Server)));
            if (!setting.Set!(call.Server, Encoding.Latin1.GetString(call[i + 1])))
            {
                foreach ((Setting changed, string value) in before)
                {
                    changed.Set!(call.Server, value);
                }
                call.Fail(ref reply, $"ERR CONFIG SET failed (possibly related to argument '{name}') - argument couldn't be parsed or is out of range");
                return;
            }
        }
        reply.Ok();
    }

    public static void ResetStat(scoped in CommandCall call, ref RespWriter reply)
    {
        call.Server.ResetStatistics();
        reply.Ok();
    }

    public static void Rewrite(scoped in CommandCall call, ref RespWriter reply) => call.Fail(ref reply, "ERR The server is running without a config file"u8);

    /// <summary>A number of bytes as people write it: 100mb, 1g.</summary>
    internal static bool TryBytes(string text, long least, long most, out long bytes)
    {
        string lower = text.ToLowerInvariant();
        (string Suffix, long Factor)[] units = [("kb", 1024), ("mb", 1024 * 1024), ("gb", 1L << 30), ("k", 1000), ("m", 1000_000), ("g", 1000_000_000), ("b", 1), ("", 1)];
        (string suffix, long factor) = Array.Find(units, unit => lower.EndsWith(unit.Suffix, StringComparison.Ordinal));
        bool valid = long.TryParse(lower.AsSpan(0, lower.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count <= long.MaxValue / factor;
        bytes = valid ? count * factor : 0;
        return valid && bytes >= least && bytes <= most;
    }

    private static Setting? Find(string name) => Array.Find(Settings, setting => setting.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static bool TryYesNo(string text, out bool yes)
    {
        yes = text.Equals("yes", StringComparison.OrdinalIgnoreCase);
        return yes || text.Equals("no", StringComparison.OrdinalIgnoreCase);
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
