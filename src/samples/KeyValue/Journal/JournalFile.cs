using KeyValue.Store;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KeyValue.Journal;

/// <summary>The SQLite file: one row per key, so that it is never replayed or compacted and any SQLite tool can read it.</summary>
/// <remarks>One thread at a time. Rows are bound through the library's own spans: a parameter object per column would cost more than the row.</remarks>
internal sealed class JournalFile : IDisposable
{
    // "KVpr": tells our files from other SQLite files before anything is written to them.
    private const int ApplicationId = 0x4B567072;
    private const int FormatVersion = 1;

    // EWOULDBLOCK, which is how the system says that another process holds a lock.
    private const int WouldBlock = 11;

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly SqliteConnection _connection;
    private readonly sqlite3 _database;
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromSeconds(1);

    private readonly sqlite3_stmt _put;
    private readonly sqlite3_stmt _remove;
    private readonly sqlite3_stmt _clear;
    private readonly sqlite3_stmt _map;
    private readonly sqlite3_stmt _tick;
    private readonly sqlite3_stmt _begin;
    private readonly sqlite3_stmt _commit;
    private bool _syncs;

    /// <summary>Opens or makes the file.</summary>
    /// <exception cref="IOException">Another server has it open, or it is some other file; the message says which.</exception>
    public JournalFile(string path, Durability durability)
    {
        _path = path;
        // SQLite would let two processes write in turn, each with its own idea of the data in memory.
        _lock = Lock(path);
        try
        {
            _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
            _connection.Open();
            _database = _connection.Handle!;
            Adopt(path);
            // NORMAL writes a commit to the log without waiting for the disk; FULL waits. Switched per commit under EverySecond.
            Execute(durability switch
            {
                Durability.None => "PRAGMA synchronous=OFF",
                Durability.EverySecond => "PRAGMA synchronous=NORMAL",
                _ => "PRAGMA synchronous=FULL",
            });
            _syncs = durability == Durability.Always;
            _put = Prepare("INSERT INTO entries(database,key,value,expires) VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET value=excluded.value,expires=excluded.expires");
            _remove = Prepare("DELETE FROM entries WHERE database=?1 AND key=?2");
            _clear = Prepare("DELETE FROM entries WHERE database=?1");
            _map = Prepare("INSERT INTO numbers(number,database) VALUES(?1,?2) ON CONFLICT DO UPDATE SET database=excluded.database");
            _tick = Prepare("UPDATE numbers SET database=database+1 WHERE number=-1");
            _begin = Prepare("BEGIN IMMEDIATE");
            _commit = Prepare("COMMIT");
        }
        catch (Exception exception)
        {
            _connection?.Dispose();
            _lock.Dispose();
            if (exception is SqliteException error)
            {
                throw Explain(error);
            }
            throw;
        }
    }

    /// <summary>Reads all keys into <paramref name="space"/>.</summary>
    /// <param name="space">Empty databases.</param>
    /// <param name="time">What the second is measured by.</param>
    /// <param name="progress">Told the number of keys about once a second; not at all when it takes less.</param>
    /// <returns>How many keys.</returns>
    /// <exception cref="IOException">The file is damaged; the message says what to do.</exception>
    public long Recover(KeySpace space, TimeProvider time, Action<long> progress)
    {
        try
        {
            return ReadAll(space, time, progress);
        }
        catch (SqliteException error)
        {
            throw Explain(error);
        }
    }

    private long ReadAll(KeySpace space, TimeProvider time, Action<long> progress)
    {
        Span<int> ids = stackalloc int[KeySpace.DatabaseCount];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = i;
        }
        using (sqlite3_stmt numbers = Prepare("SELECT number,database FROM numbers WHERE number>=0"))
        {
            while (Step(numbers))
            {
                ids[Number(numbers, 0)] = Number(numbers, 1);
            }
        }
        space.Arrange(ids);
        Dictionary<int, Database> byId = [];
        for (int i = 0; i < KeySpace.DatabaseCount; i++)
        {
            byId[space[i].Id] = space[i];
        }
        Execute($"DELETE FROM entries WHERE expires>0 AND expires<{space.Clock.Wall}");
        using sqlite3_stmt entries = Prepare("SELECT database,key,value,expires FROM entries");
        long count = 0;
        long told = time.GetTimestamp();
        while (Step(entries))
        {
            Database database = byId[Number(entries, 0)];
            ref Entry entry = ref database.Edit(raw.sqlite3_column_blob(entries, 1), out _);
            entry.SetValue(raw.sqlite3_column_blob(entries, 2));
            long deadline = raw.sqlite3_column_int64(entries, 3);
            if (deadline != 0)
            {
                database.SetDeadline(ref entry, deadline, followsWallClock: true);
            }
            database.Commit(ref entry);
            // Not many keys apart, since values may be large.
            if ((++count & 0x3F) == 0 && time.GetElapsedTime(told) >= s_progressInterval)
            {
                told = time.GetTimestamp();
                progress(count);
            }
        }
        return count;
    }

    /// <summary>Writes batches as one transaction; when it returns they are committed.</summary>
    /// <param name="batches">In order.</param>
    /// <param name="sync">Whether the commit waits for the disk; null leaves it as the file was opened.</param>
    /// <exception cref="SqliteException">Nothing of it was committed; it may be tried again.</exception>
    public void Write(IReadOnlyList<JournalBatch> batches, bool? sync)
    {
        if (sync is bool wanted && wanted != _syncs)
        {
            Execute(wanted ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            _syncs = wanted;
        }
        Step(_begin);
        try
        {
            foreach (JournalBatch batch in batches)
            {
                int offset = 0;
                while (batch.TryRead(ref offset, out JournalRecord record))
                {
                    Write(record);
                }
            }
            if (batches.Count == 0)
            {
                // A commit without a change would not reach the disk, and this one is made to carry the earlier ones there.
                Step(_tick);
            }
            Step(_commit);
        }
        catch
        {
            // Some errors have rolled back already; then this fails and there is nothing to undo.
            raw.sqlite3_exec(_database, "ROLLBACK");
            throw;
        }
    }

    /// <summary>Makes the file refuse to grow beyond a number of pages, as a full disk would.</summary>
    public void LimitPages(int pages) => Execute($"PRAGMA max_page_count={pages}");

    /// <summary>Moves the log into the file and closes.</summary>
    public void Dispose()
    {
        foreach (sqlite3_stmt statement in new[] { _put, _remove, _clear, _map, _tick, _begin, _commit })
        {
            statement.Dispose();
        }
        _connection.Dispose();
        _lock.Dispose();
    }

    private static FileStream Lock(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a directory: name a file with --data.");
        }
        try
        {
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"There is no directory for '{path}': make it, or name another file with --data.");
        }
        catch (IOException error) when (error.HResult == WouldBlock)
        {
            throw new IOException($"'{path}' is in use by another server: stop that one, or name another file with --data.", error);
        }
    }

    private IOException Explain(SqliteException error) => new(
        error.SqliteErrorCode switch
        {
            raw.SQLITE_NOTADB => $"'{_path}' is no SQLite file: name another file with --data.",
            raw.SQLITE_CORRUPT => Damaged,
            _ => $"'{_path}' cannot be used: {error.Message}",
        },
        error);

    private string Damaged => $"'{_path}' is damaged: put a copy in its place, or save what can still be read by \"sqlite3 '{_path}' .recover | sqlite3 NEWFILE\".";

    /// <summary>The number of a database.</summary>
    private int Number(sqlite3_stmt statement, int column)
    {
        long number = raw.sqlite3_column_int64(statement, column);
        return number is >= 0 and < KeySpace.DatabaseCount ? (int)number : throw new IOException(Damaged);
    }

    private void Write(JournalRecord record)
    {
        switch (record.Operation)
        {
            case JournalOperation.Put:
                Check(raw.sqlite3_bind_int(_put, 1, record.Database));
                Check(raw.sqlite3_bind_blob(_put, 2, record.Key));
                Check(raw.sqlite3_bind_blob(_put, 3, record.Value));
                Check(raw.sqlite3_bind_int64(_put, 4, record.Number));
                Step(_put);
                break;
            case JournalOperation.Remove:
                Check(raw.sqlite3_bind_int(_remove, 1, record.Database));
                Check(raw.sqlite3_bind_blob(_remove, 2, record.Key));
                Step(_remove);
                break;
            case JournalOperation.Clear:
                Check(raw.sqlite3_bind_int(_clear, 1, record.Database));
                Step(_clear);
                break;
            default:
                Check(raw.sqlite3_bind_int64(_map, 1, record.Number));
                Check(raw.sqlite3_bind_int(_map, 2, record.Database));
                Step(_map);
                break;
        }
    }

    private void Adopt(string path)
    {
        long id = Scalar("PRAGMA application_id");
        long tables = Scalar("SELECT count(*) FROM sqlite_schema");
        if (id != ApplicationId && tables > 0)
        {
            throw new IOException($"'{path}' is an SQLite file of another program: name another file with --data.");
        }
        long version = Scalar("PRAGMA user_version");
        if (version > FormatVersion)
        {
            throw new IOException($"'{path}' has format {version}, and this server knows {FormatVersion}: use the newer server that wrote it.");
        }
        // Whoever else writes to the file, such as a person with a tool, is waited for; only then are writes refused.
        Execute("PRAGMA busy_timeout=5000");
        // A damaged page is an error then, not keys that nobody wrote.
        Execute("PRAGMA cell_size_check=ON");
        Execute("PRAGMA journal_mode=WAL");
        // 16 MiB of log before it is folded into the file: at the default of 4 MiB the folding is a fifth of the writer's time.
        Execute("PRAGMA wal_autocheckpoint=4096");
        Execute("CREATE TABLE IF NOT EXISTS entries(database INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY(database,key)) WITHOUT ROWID");
        Execute("CREATE TABLE IF NOT EXISTS numbers(number INTEGER PRIMARY KEY, database INTEGER NOT NULL)");
        Execute("INSERT OR IGNORE INTO numbers VALUES(-1,0)");
        Execute($"PRAGMA application_id={ApplicationId}");
        Execute($"PRAGMA user_version={FormatVersion}");
    }

    private long Scalar(string sql)
    {
        using sqlite3_stmt statement = Prepare(sql);
        return Step(statement, reset: false) ? raw.sqlite3_column_int64(statement, 0) : 0;
    }

    private void Execute(string sql)
    {
        using sqlite3_stmt statement = Prepare(sql);
        while (Step(statement, reset: false))
        {
        }
    }

    private sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_database, sql, out sqlite3_stmt statement));
        return statement;
    }

    private bool Step(sqlite3_stmt statement, bool reset = true)
    {
        int result = raw.sqlite3_step(statement);
        if (result == raw.SQLITE_ROW)
        {
            return true;
        }
        if (reset)
        {
            raw.sqlite3_reset(statement);
        }
        if (result != raw.SQLITE_DONE)
        {
            SqliteException.ThrowExceptionForRC(result, _database);
        }
        return false;
    }

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(result, _database);
        }
    }
}
