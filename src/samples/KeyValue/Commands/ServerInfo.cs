using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using KeyValue.Store;

namespace KeyValue.Commands;

/// <summary>What INFO tells. Every number is measured; what this server does not have is 0 and only told where tools read it.</summary>
internal static class ServerInfo
{
    private static readonly (string Name, bool ByDefault, Action<KeyValueServer, StringBuilder> Write)[] Sections =
    [
        ("Server", true, WriteServer),
        ("Clients", true, WriteClients),
        ("Memory", true, WriteMemory),
        ("Persistence", true, WritePersistence),
        ("Stats", true, WriteStats),
        ("Replication", true, (_, text) => text.Append("role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n")),
        ("Cpu", true, WriteCpu),
        ("Errorstats", true, WriteErrors),
        ("Commandstats", false, WriteCommands),
        ("Cluster", true, (_, text) => text.Append("cluster_enabled:0\r\n")),
        ("Keyspace", true, WriteKeyspace),
    ];

    /// <summary>The sections named, or the usual ones.</summary>
    public static string Describe(KeyValueServer server, HashSet<string> names)
    {
        bool all = names.Contains("all") || names.Contains("everything");
        bool usual = names.Count == 0 || names.Contains("default");
        StringBuilder text = new();
        foreach ((string name, bool byDefault, Action<KeyValueServer, StringBuilder> write) in Sections)
        {
            if (all || (usual && byDefault) || names.Contains(name))
            {
                text.Append(text.Length > 0 ? "\r\n# " : "# ").Append(name).Append("\r\n");
                write(server, text);
            }
        }
        return text.ToString();
    }

    private static void WriteServer(KeyValueServer server, StringBuilder text) => text.Append($"""
        redis_version:{Encoding.ASCII.GetString(KeyValueServer.RedisVersion)}
        keyvalue_version:{typeof(ServerInfo).Assembly.GetName().Version}
        redis_mode:standalone
        os:{RuntimeInformation.OSDescription}
        arch_bits:{IntPtr.Size * 8}
        dotnet_version:{Environment.Version}
        process_id:{Environment.ProcessId}
        tcp_port:{server.Port}
        uptime_in_seconds:{server.Space.Clock.Uptime / 1000}
        uptime_in_days:{server.Space.Clock.Uptime / 86_400_000}

        """.ReplaceLineEndings("\r\n"));

    private static void WriteClients(KeyValueServer server, StringBuilder text) => text.Append($"""
        connected_clients:{server.Sessions.Count}
        maxclients:{server.MaxClients}
        blocked_clients:0

        """.ReplaceLineEndings("\r\n"));

    private static void WriteMemory(KeyValueServer server, StringBuilder text) => text.Append($"""
        used_memory:{server.Space.MemoryBytes}
        used_memory_human:{Human(server.Space.MemoryBytes)}
        used_memory_rss:{Environment.WorkingSet}
        used_memory_rss_human:{Human(Environment.WorkingSet)}
        used_memory_dataset:{server.Space.MemoryBytes}
        managed_heap:{GC.GetTotalMemory(false)}
        maxmemory:{server.Space.MaxMemoryBytes}
        maxmemory_human:{Human(server.Space.MaxMemoryBytes)}
        maxmemory_policy:{(server.Space.Policy == EvictionPolicy.NoEviction ? "noeviction" : "allkeys-lru")}

        """.ReplaceLineEndings("\r\n"));

    private static void WritePersistence(KeyValueServer server, StringBuilder text) => text.Append($"""
        loading:0
        rdb_bgsave_in_progress:0
        bgsave_in_progress:0
        aof_enabled:{(server.Journal is null ? 0 : 1)}
        aof_rewrite_in_progress:0
        aof_last_write_status:{(server.Journal?.Failure is null ? "ok" : "err")}
        durability:{server.DurabilityName}
        journal_backlog_bytes:{server.Journal?.BacklogBytes ?? 0}

        """.ReplaceLineEndings("\r\n"));

    private static void WriteStats(KeyValueServer server, StringBuilder text) => text.Append($"""
        total_connections_received:{server.Statistics.Connections}
        total_commands_processed:{server.Statistics.TotalCalls}
        instantaneous_ops_per_sec:{server.Statistics.CallsPerSecond}
        rejected_connections:{server.Statistics.RejectedConnections}
        expired_keys:{server.Space.ExpiredCount}
        evicted_keys:{server.Space.EvictedCount}
        keyspace_hits:{server.Space.Hits}
        keyspace_misses:{server.Space.Misses}
        protocol_errors:{server.Statistics.ProtocolErrors}
        total_error_replies:{server.Statistics.TotalErrors}

        """.ReplaceLineEndings("\r\n"));

    private static void WriteCpu(KeyValueServer server, StringBuilder text)
    {
        Environment.ProcessCpuUsage usage = Environment.CpuUsage;
        text.Append(CultureInfo.InvariantCulture, $"used_cpu_sys:{usage.PrivilegedTime.TotalSeconds:F6}\r\nused_cpu_user:{usage.UserTime.TotalSeconds:F6}\r\n");
        _ = server;
    }

    private static void WriteErrors(KeyValueServer server, StringBuilder text)
    {
        foreach ((string code, long count) in server.Statistics.Errors)
        {
            text.Append(CultureInfo.InvariantCulture, $"errorstat_{code}:count={count}\r\n");
        }
    }

    private static void WriteCommands(KeyValueServer server, StringBuilder text)
    {
        foreach (Command command in server.Table.All)
        {
            CommandStatistics statistics = server.Statistics.Of(command);
            if (statistics.Calls + statistics.Rejected > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"cmdstat_{command.FullName}:calls={statistics.Calls},rejected_calls={statistics.Rejected},failed_calls={statistics.Failed}\r\n");
            }
        }
    }

    private static void WriteKeyspace(KeyValueServer server, StringBuilder text)
    {
        for (int i = 0; i < KeySpace.DatabaseCount; i++)
        {
            Database database = server.Space[i];
            if (database.Count > 0)
            {
                long mean = database.ExpiringCount == 0 ? 0 : Math.Max(0, (long)(database.DeadlineSum / database.ExpiringCount) - server.Space.Clock.Steady);
                text.Append(CultureInfo.InvariantCulture, $"db{i}:keys={database.Count},expires={database.ExpiringCount},avg_ttl={mean}\r\n");
            }
        }
    }

    private static string Human(long bytes) => bytes switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes}B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F2}K"),
        < 1024 * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F2}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:F2}G"),
    };
}
