using System.Runtime.CompilerServices;
using KeyValue.Journal;

namespace KeyValue.Store;

/// <summary>What to do when the memory limit is reached.</summary>
internal enum EvictionPolicy
{
    /// <summary>Refuse commands that may need memory.</summary>
    NoEviction,

    /// <summary>Remove keys that were not used for long.</summary>
    AllKeysLru,
}

/// <summary>The sixteen databases, and what they share: clock, memory limit, counters, journal.</summary>
internal sealed class KeySpace
{
    /// <summary>How many databases.</summary>
    public const int DatabaseCount = 16;

    // Five candidates a time come close to the true order at a cost that does not grow with the keys.
    private const int EvictionSamples = 5;

    // A limit set far below what is used must not stop the loop: the rest goes with the next commands.
    private const int EvictionsPerCommand = 1000;

    private readonly Database[] _databases = new Database[DatabaseCount];
    private readonly Random _random = new();

    public KeySpace(TimeProvider time)
    {
        Clock = new WallClock(time);
        for (int i = 0; i < DatabaseCount; i++)
        {
            _databases[i] = new Database(this, i);
        }
    }

    public WallClock Clock { get; }

    /// <summary>Told of every change; null when nothing is kept.</summary>
    public JournalWriter? Journal { get; set; }

    /// <summary>Bytes that keys and values take, with what the table needs for each.</summary>
    public long MemoryBytes { get; set; }

    /// <summary>Bytes above which <see cref="Policy"/> acts; 0 is no limit.</summary>
    public long MaxMemoryBytes { get; set; }

    public EvictionPolicy Policy { get; set; }

    public long Hits { get; set; }

    public long Misses { get; set; }

    public long ExpiredCount { get; set; }

    public long EvictedCount { get; set; }

    /// <summary>Whether passed deadlines remove keys that nobody looks at.</summary>
    public bool ExpiresActively { get; set; } = true;

    public Random Random => _random;

    /// <summary>The database with a number.</summary>
    public Database this[int number] => _databases[number];

    /// <summary>Exchanges two databases: whoever has selected one sees the other's keys.</summary>
    public void Swap(int first, int second)
    {
        (_databases[first], _databases[second]) = (_databases[second], _databases[first]);
        Journal?.Map(first, _databases[first].Id);
        Journal?.Map(second, _databases[second].Id);
    }

    /// <summary>Puts the databases in the order that was recovered.</summary>
    public void Arrange(ReadOnlySpan<int> ids)
    {
        Database[] old = [.. _databases];
        for (int i = 0; i < DatabaseCount; i++)
        {
            _databases[i] = Array.Find(old, database => database.Id == 0)!;
            foreach (Database database in old)
            {
                if (database.Id == ids[i])
                {
                    _databases[i] = database;
                }
            }
        }
    }

    /// <summary>Removes some of the keys whose deadline has passed.</summary>
    /// <returns>Whether there may be more.</returns>
    public bool RemoveExpired(int budget)
    {
        if (!ExpiresActively)
        {
            return false;
        }
        foreach (Database database in _databases)
        {
            database.RemoveExpired(ref budget);
        }
        return budget <= 0;
    }

    /// <summary>Makes room for a command that may need memory.</summary>
    /// <returns>False when the limit is reached and nothing may go.</returns>
    public bool TryMakeRoom()
    {
        if (MaxMemoryBytes == 0 || MemoryBytes <= MaxMemoryBytes)
        {
            return true;
        }
        for (int i = 0; i < EvictionsPerCommand && MemoryBytes > MaxMemoryBytes; i++)
        {
            if (Policy == EvictionPolicy.NoEviction || !EvictOne())
            {
                return false;
            }
        }
        return true;
    }

    private bool EvictOne()
    {
        Database? database = null;
        byte[]? victim = null;
        uint oldest = 0;
        int start = _random.Next(DatabaseCount);
        for (int i = 0; i < DatabaseCount; i++)
        {
            Database candidate = _databases[(start + i) % DatabaseCount];
            for (int sample = 0; sample < EvictionSamples && candidate.Count > 0; sample++)
            {
                ref Entry entry = ref candidate.Sample(_random);
                uint age = Clock.Tenths - entry.UsedAt;
                if (!Unsafe.IsNullRef(ref entry) && (victim is null || age > oldest))
                {
                    (database, victim, oldest) = (candidate, entry.Key, age);
                }
            }
        }
        if (victim is null || !database!.Remove(victim))
        {
            return victim is not null;
        }
        EvictedCount++;
        return true;
    }
}
