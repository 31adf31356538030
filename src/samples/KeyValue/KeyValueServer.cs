using System.Net;
using System.Text;
using KeyValue.Commands;
using KeyValue.Journal;
using KeyValue.Store;
using Microsoft.Extensions.Logging;
using ProtoServer;
using Resp;

namespace KeyValue;

/// <summary>What the sessions of one server share: data, commands, settings, counters; and the clockwork that runs beside them.</summary>
/// <remarks>Loop thread only, but for the constructor.</remarks>
internal sealed class KeyValueServer : IDisposable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    // A few hundred microseconds of work; the rest waits for the next iteration, so that clients are served in between.
    private const int ExpiriesPerIteration = 1000;

    private readonly EventLoop _loop;
    private readonly KeyValueOptions _options;
    private readonly ILogger _logger;
    private readonly LinkedList<Session> _sessions = new();
    private long _lastId;
    private long _ticks;
    private long _crossProtocolLoggedAt = long.MinValue / 2;
    private CallHandle? _tick;
    private bool _disposed;

    /// <summary>Reads the data file, if there is one.</summary>
    /// <exception cref="IOException">The data file cannot be used; the message says why.</exception>
    public KeyValueServer(EventLoop loop, KeyValueOptions options, ILogger logger, JournalFile? file = null)
    {
        _loop = loop;
        _options = options;
        _logger = logger;
        Space = new KeySpace(loop.TimeProvider) { MaxMemoryBytes = options.MaxMemoryBytes, Policy = options.Policy };
        Table = new CommandTable();
        Statistics = new Statistics(Table.All.Count);
        Executor = new LocalExecutor(this, Table);
        Monitors = new MonitorFeed(loop, () => Space.Clock.Microseconds);
        Limits = new RespLimits { MaxBulkBytes = options.MaxBulkBytes, MaxRequestBytes = RequestBytesFor(options.MaxBulkBytes) };
        Password = string.IsNullOrEmpty(options.Password) ? null : Encoding.UTF8.GetBytes(options.Password);
        IsProtected = options.IsProtected;
        MaxClients = options.MaxClients;
        IdleTimeout = options.IdleTimeout;
        if (options.DataFile is not null)
        {
            file ??= new JournalFile(options.DataFile, options.Durability);
            Recover(file);
            Journal = new JournalWriter(loop, file, options.Durability)
            {
                Advanced = () => ReleaseWaiting(default),
                Failed = OnJournalFailed,
                Recovered = () => _logger.LogWarning("Writing to {File} works again: writes are accepted.", options.DataFile),
            };
            Space.Journal = Journal;
        }
    }

    /// <summary>What clients take for the version of Redis: they choose commands by it.</summary>
    public static ReadOnlySpan<byte> RedisVersion => "7.0.15"u8;

    public KeySpace Space { get; }

    public CommandTable Table { get; }

    public Statistics Statistics { get; private set; }

    /// <summary>What carries requests out.</summary>
    public ICommandExecutor Executor { get; set; }

    public MonitorFeed Monitors { get; }

    /// <summary>Null when nothing is kept.</summary>
    public JournalWriter? Journal { get; }

    /// <summary>The readers' working memory: one request is read at a time.</summary>
    public RespScratch Scratch { get; } = new();

    /// <summary>The limits of those who know the password.</summary>
    public RespLimits Limits { get; private set; }

    /// <summary>What AUTH must give; null when nothing is needed.</summary>
    public byte[]? Password { get; private set; }

    public bool IsProtected { get; set; }

    public int MaxClients { get; set; }

    /// <summary>How far <see cref="MaxClients"/> may be raised: what the listener admits.</summary>
    public int MostClients { get; set; } = int.MaxValue;

    public TimeSpan IdleTimeout { get; set; }

    /// <summary>Bytes of replies that one client may leave unread.</summary>
    public int MaxOutputBytes => _options.MaxOutputBytes;

    public bool AllowsDebug => _options.AllowsDebug;

    public bool AllowsRemoteShutdown => _options.AllowsRemoteShutdown;

    public string Host => _options.Host;

    /// <summary>The port that it listens on.</summary>
    public int Port { get; set; }

    public string DurabilityName => Journal is null ? "none" : _options.Durability switch
    {
        Durability.None => "none",
        Durability.EverySecond => "everysec",
        _ => "always",
    };

    /// <summary>Values of settings that are accepted and have no effect.</summary>
    public Dictionary<string, string> IgnoredSettings { get; } = [];

    public IReadOnlyCollection<Session> Sessions => _sessions;

    /// <summary>The sessions that hold replies back.</summary>
    public List<Session> Waiting { get; } = [];

    /// <summary>Called when a client asks the server to end.</summary>
    public Action? StopRequested { get; set; }

    /// <summary>A protocol for a new connection.</summary>
    public IProtocol CreateSession() => new Session(this, ++_lastId);

    /// <summary>Starts the clockwork: deadlines of keys and of silent clients, counters.</summary>
    public void StartTicking() => _tick = _loop.CallLater(TickInterval, Tick);

    /// <summary>Takes a new connection in.</summary>
    /// <returns>Why not, as an error reply; empty to go on.</returns>
    public ReadOnlySpan<byte> Admit(Session session)
    {
        Statistics.Connections++;
        if (_sessions.Count >= MaxClients)
        {
            Statistics.RejectedConnections++;
            return "-ERR max number of clients reached\r\n"u8;
        }
        if (IsProtected && Password is null && session.RemoteEndPoint is IPEndPoint { Address: IPAddress address } && !IPAddress.IsLoopback(address))
        {
            Statistics.RejectedConnections++;
            return "-DENIED This server has no password and therefore answers this machine only. Start it with --password, or, if whoever can reach the port may do anything, with --no-protected-mode.\r\n"u8;
        }
        session.Node = _sessions.AddLast(session);
        return default;
    }

    /// <summary>A connection is over.</summary>
    public void Forget(Session session)
    {
        if (session.Node is not null)
        {
            _sessions.Remove(session.Node);
            session.Node = null;
        }
        if (session.IsMonitor)
        {
            Monitors.Remove(session);
        }
    }

    /// <summary>Changes the limits for all.</summary>
    public bool SetLimits(RespLimits limits)
    {
        Limits = limits;
        foreach (Session session in _sessions)
        {
            session.RefreshLimits();
        }
        return true;
    }

    /// <summary>What a request may hold where an argument may hold <paramref name="bulkBytes"/>: two of them, such as a key and a value.</summary>
    public static int RequestBytesFor(int bulkBytes) => (int)Math.Clamp(2L * bulkBytes, 128 * 1024 * 1024, 1024 * 1024 * 1024);

    /// <summary>Sets or removes the password. Who has given one stays; where none is needed any more, all others are let in.</summary>
    public void SetPassword(byte[]? password)
    {
        Password = password;
        foreach (Session session in password is null ? _sessions : [])
        {
            session.Authenticate();
        }
    }

    public void ResetStatistics()
    {
        Statistics = new Statistics(Table.All.Count);
        Space.Hits = Space.Misses = Space.ExpiredCount = Space.EvictedCount = 0;
    }

    public void RequestStop() => _loop.CallSoon(() => StopRequested?.Invoke());

    public void LogText(string text) => _logger.LogInformation("DEBUG LOG: {Text}", Quoted.Append(new StringBuilder(), Encoding.Latin1.GetBytes(text)));

    public void LogOversized(Session session) =>
        _logger.LogWarning("Closed {Client}: a request of more than {Bytes} bytes (client-query-buffer-limit).", session.RemoteEndPoint, Limits.MaxRequestBytes);

    public void LogCutOff(Session session) =>
        _logger.LogWarning("Cut off {Client}: it is owed more than {Bytes} bytes of replies (--max-output).", session.RemoteEndPoint, MaxOutputBytes);

    /// <summary>For whoever looks into a client's trouble: resets are everyday, so not by default.</summary>
    public void LogLost(Session session, Exception reason)
    {
        if (_logger.IsEnabled(LogLevel.Debug))
        {
            _logger.LogDebug("Lost {Client}: {Reason}", session.RemoteEndPoint, reason.Message);
        }
    }

    /// <summary>Says, at most once a minute, that a browser or another HTTP client came.</summary>
    public void LogCrossProtocol(Session session)
    {
        if (Space.Clock.Steady - _crossProtocolLoggedAt > 60_000)
        {
            _crossProtocolLoggedAt = Space.Clock.Steady;
            _logger.LogWarning("Closed {Client}: it speaks HTTP. Someone may be trying to send commands through a browser.", session.RemoteEndPoint);
        }
    }

    /// <summary>Commits what is pending and closes the data file; waits for it.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _tick?.Cancel();
            Journal?.Dispose();
            if (Journal?.Lost is string why)
            {
                _logger.LogError("Cannot write to {File}: {Why}. What was changed since the last commit is lost.", _options.DataFile, why);
            }
        }
    }

    private void Tick()
    {
        Space.Clock.Refresh();
        ExpireSome();
        if (++_ticks % 10 == 0)
        {
            Statistics.Tick();
            CloseSilent();
        }
        StartTicking();
    }

    private void ExpireSome()
    {
        if (Space.RemoveExpired(ExpiriesPerIteration))
        {
            _loop.CallSoon(ExpireSome);
        }
    }

    private void CloseSilent()
    {
        if (IdleTimeout == TimeSpan.Zero && _options.RequestTimeout == TimeSpan.Zero)
        {
            return;
        }
        uint now = Space.Clock.Tenths;
        for (LinkedListNode<Session>? node = _sessions.First, next; node is not null; node = next)
        {
            next = node.Next;
            Session session = node.Value;
            TimeSpan silent = TimeSpan.FromMilliseconds((now - session.ActiveAt) * 100L);
            bool idle = IdleTimeout > TimeSpan.Zero && silent > IdleTimeout && !session.IsMonitor;
            bool stuck = _options.RequestTimeout > TimeSpan.Zero && session.IsInsideRequest && silent > _options.RequestTimeout;
            if (idle || stuck)
            {
                session.Close();
            }
        }
    }

    private void Recover(JournalFile file)
    {
        long started = _loop.TimeProvider.GetTimestamp();
        long count = file.Recover(Space, _loop.TimeProvider, keys => _logger.LogInformation("Reading {File}: {Keys} keys so far.", _options.DataFile, keys));
        if (count > 0)
        {
            _logger.LogInformation("Read {Keys} keys from {File} in {Seconds:F1} s.", count, _options.DataFile, _loop.TimeProvider.GetElapsedTime(started).TotalSeconds);
        }
    }

    private void OnJournalFailed(string why)
    {
        _logger.LogError("Cannot write to {File}: {Why}. Writes are refused, reads go on; trying again each second.", _options.DataFile, why);
        ReleaseWaiting(Encoding.UTF8.GetBytes($"-MISCONF Errors writing to the AOF file: {why.ReplaceLineEndings(" ")}\r\n"));
    }

    private void ReleaseWaiting(ReadOnlySpan<byte> failure)
    {
        int kept = 0;
        for (int i = 0; i < Waiting.Count; i++)
        {
            if (Waiting[i].Release(failure))
            {
                Waiting[kept++] = Waiting[i];
            }
            else
            {
                Waiting[i].IsWaiting = false;
            }
        }
        Waiting.RemoveRange(kept, Waiting.Count - kept);
    }
}
