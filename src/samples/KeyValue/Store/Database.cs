using System.Runtime.CompilerServices;

namespace KeyValue.Store;

/// <summary>One of the numbered databases: keys, values, deadlines.</summary>
/// <remarks>
/// Loop thread only. A <c>ref</c> to an entry dies with the next call that may add or remove a key. Whoever changes an entry goes
/// <see cref="Edit"/> or <see cref="BeginChange"/>, change, <see cref="Commit"/>: that keeps the memory count and the journal true.
/// </remarks>
internal sealed class Database
{
    /// <summary>How many keys <see cref="Warm"/> takes at a time: as many as wait together, as few as still lie in the nearest cache when the last of them has its turn.</summary>
    public const int MostWarmed = 8;

    private readonly KeySpace _space;
    private readonly KeyTable _table = new();
    private readonly ExpiryQueue _steadyDeadlines = new();
    private readonly ExpiryQueue _wallDeadlines = new();
    private readonly Func<byte[], long, bool> _hasDeadline;

    public Database(KeySpace space, int id)
    {
        _space = space;
        Id = id;
        _hasDeadline = (key, deadline) =>
        {
            ref Entry entry = ref _table.Find(key, KeyHash.Of(key));
            return !Unsafe.IsNullRef(ref entry) && ReferenceEquals(entry.Key, key) && entry.ExpiresAt == deadline;
        };
    }

    /// <summary>What the journal calls it: stays when <c>SWAPDB</c> gives it another number.</summary>
    public int Id { get; }

    /// <summary>How many keys, including those that have expired and were not looked at since.</summary>
    public int Count => _table.Count;

    /// <summary>How many of them have a deadline.</summary>
    public int ExpiringCount { get; private set; }

    /// <summary>The sum of the deadlines, for the mean that INFO tells.</summary>
    public decimal DeadlineSum { get; private set; }

    /// <summary>The entry of <paramref name="key"/>; a null reference when it is missing or has just expired. Marks it as used.</summary>
    public ref Entry Find(ReadOnlySpan<byte> key)
    {
        ref Entry entry = ref Peek(key);
        if (!Unsafe.IsNullRef(ref entry))
        {
            entry.UsedAt = _space.Clock.Tenths;
            _space.Hits++;
        }
        else
        {
            _space.Misses++;
        }
        return ref entry;
    }

    /// <summary>Fetches from memory what <see cref="Find"/> and <see cref="Edit"/> will need for some keys, all at the same time.</summary>
    /// <param name="bytes">Where the keys are.</param>
    /// <param name="keys">Which of the bytes each is; <see cref="MostWarmed"/> at most count.</param>
    public void Warm(ReadOnlySpan<byte> bytes, ReadOnlySpan<Range> keys)
    {
        Span<uint> hashes = stackalloc uint[MostWarmed];
        int count = Math.Min(keys.Length, hashes.Length);
        for (int i = 0; i < count; i++)
        {
            hashes[i] = KeyHash.Of(bytes[keys[i]]);
        }
        _table.Warm(hashes[..count]);
    }

    /// <summary>The same for a look that is no use: neither marks nor counts.</summary>
    public ref Entry Peek(ReadOnlySpan<byte> key) => ref Live(key, KeyHash.Of(key));

    private ref Entry Live(ReadOnlySpan<byte> key, uint hash)
    {
        ref Entry entry = ref _table.Find(key, hash);
        if (!Unsafe.IsNullRef(ref entry) && entry.ExpiresAt != 0 && IsPast(entry.ExpiresAt, entry.FollowsWallClock))
        {
            _space.ExpiredCount++;
            Remove(entry.Key, hash);
            return ref Unsafe.NullRef<Entry>();
        }
        return ref entry;
    }

    /// <summary>The entry of <paramref name="key"/> to change, made when it is missing. <see cref="Commit"/> must follow.</summary>
    public ref Entry Edit(ReadOnlySpan<byte> key, out bool isNew)
    {
        uint hash = KeyHash.Of(key);
        ref Entry entry = ref Live(key, hash);
        isNew = Unsafe.IsNullRef(ref entry);
        if (isNew)
        {
            entry = ref _table.Add(key.ToArray(), hash);
        }
        else
        {
            _space.MemoryBytes -= entry.MemoryBytes;
        }
        entry.UsedAt = _space.Clock.Tenths;
        return ref entry;
    }

    /// <summary>Announces a change to an entry that was found. <see cref="Commit"/> must follow.</summary>
    public void BeginChange(ref Entry entry) => _space.MemoryBytes -= entry.MemoryBytes;

    /// <summary>Makes the change to <paramref name="entry"/> count.</summary>
    public void Commit(ref Entry entry)
    {
        _space.MemoryBytes += entry.MemoryBytes;
        _space.Journal?.Put(Id, in entry, DeadlineOnDisk(in entry));
    }

    /// <summary>Sets the deadline between <see cref="Edit"/> and <see cref="Commit"/>. 0 removes it.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="deadline">Unix time in milliseconds, on the clock that <paramref name="followsWallClock"/> names.</param>
    /// <param name="followsWallClock">Whether it was given as a date.</param>
    public void SetDeadline(ref Entry entry, long deadline, bool followsWallClock)
    {
        Forget(in entry);
        entry.ExpiresAt = deadline;
        entry.FollowsWallClock = followsWallClock;
        if (deadline != 0)
        {
            ExpiringCount++;
            DeadlineSum += deadline;
            (followsWallClock ? _wallDeadlines : _steadyDeadlines).Add(entry.Key!, deadline, ExpiringCount, _hasDeadline);
        }
    }

    /// <summary>Removes a key, if it is there and has not expired.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        uint hash = KeyHash.Of(key);
        return !Unsafe.IsNullRef(ref Live(key, hash)) && Remove(key, hash);
    }

    private bool Remove(ReadOnlySpan<byte> key, uint hash)
    {
        ref Entry entry = ref _table.Find(key, hash);
        Forget(in entry);
        _space.MemoryBytes -= entry.MemoryBytes;
        _space.Journal?.Remove(Id, key);
        return _table.Remove(key, hash);
    }

    /// <summary>Removes all keys.</summary>
    public void Clear()
    {
        ulong cursor = 0;
        List<byte[]> keys = [];
        do
        {
            cursor = _table.Scan(cursor, 1024, keys);
            foreach (byte[] key in keys)
            {
                _space.MemoryBytes -= _table.Find(key, KeyHash.Of(key)).MemoryBytes;
            }
            keys.Clear();
        }
        while (cursor != 0);
        _table.Clear();
        _steadyDeadlines.Clear();
        _wallDeadlines.Clear();
        ExpiringCount = 0;
        DeadlineSum = 0;
        _space.Journal?.Clear(Id);
    }

    /// <summary>Removes keys whose deadline has passed.</summary>
    /// <param name="budget">How many at most; counts down.</param>
    public void RemoveExpired(ref int budget)
    {
        RemoveExpired(_steadyDeadlines, _space.Clock.Steady, ref budget);
        RemoveExpired(_wallDeadlines, _space.Clock.Wall, ref budget);
    }

    private void RemoveExpired(ExpiryQueue queue, long now, ref int budget)
    {
        while (budget > 0 && queue.TryTake(now - 1, out byte[] key, out long deadline))
        {
            budget--;
            if (_hasDeadline(key, deadline))
            {
                _space.ExpiredCount++;
                Remove(key, KeyHash.Of(key));
            }
        }
    }

    /// <inheritdoc cref="KeyTable.Scan"/>
    public ulong Scan(ulong cursor, int slots, List<byte[]> keys) => _table.Scan(cursor, slots, keys);

    /// <summary>A key picked at random, or a null reference.</summary>
    public ref Entry Sample(Random random) => ref _table.Sample(random);

    /// <summary>Milliseconds until <paramref name="entry"/> expires.</summary>
    public long TimeLeft(in Entry entry) => entry.ExpiresAt - (entry.FollowsWallClock ? _space.Clock.Wall : _space.Clock.Steady);

    /// <summary>The deadline as a date: 0 for none.</summary>
    public long DeadlineOnDisk(in Entry entry) =>
        entry.ExpiresAt == 0 || entry.FollowsWallClock ? entry.ExpiresAt : entry.ExpiresAt + _space.Clock.Wall - _space.Clock.Steady;

    /// <summary>Whether a deadline has passed. The millisecond that it names still belongs to the key.</summary>
    public bool IsPast(long deadline, bool followsWallClock) => (followsWallClock ? _space.Clock.Wall : _space.Clock.Steady) > deadline;

    private void Forget(in Entry entry)
    {
        if (entry.ExpiresAt != 0)
        {
            ExpiringCount--;
            DeadlineSum -= entry.ExpiresAt;
        }
    }
}
