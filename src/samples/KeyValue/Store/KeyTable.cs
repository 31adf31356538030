using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace KeyValue.Store;

/// <summary>The hash table of one database: chained, keyed by a secret hash, in 64 parts that grow one at a time.</summary>
/// <remarks>
/// A part's entries lie in one array and keep their slots while it grows; when it shrinks they only move towards slot 0. A scan goes from the last slot
/// to slot 0, so a key that is there all the time is seen at least once whatever happens in between. A <c>ref</c> to an entry dies with the next insertion or removal.
/// </remarks>
internal sealed class KeyTable
{
    // Growing copies one part, a 64th of the keys: the pause stays below a millisecond up to some ten million keys.
    private const int PartBits = 6;
    private const int SmallestPart = 4;

    private readonly Part?[] _parts = new Part?[1 << PartBits];

    /// <summary>How many keys.</summary>
    public int Count { get; private set; }

    /// <summary>The entry of <paramref name="key"/>, or a null reference.</summary>
    public ref Entry Find(ReadOnlySpan<byte> key, uint hash)
    {
        Part? part = _parts[hash >> (32 - PartBits)];
        if (part is not null)
        {
            Entry[] entries = part.Entries;
            int i = part.Buckets[hash & (uint)(part.Buckets.Length - 1)] - 1;
            while ((uint)i < (uint)entries.Length)
            {
                ref Entry entry = ref entries[i];
                if (entry.Hash == hash && key.SequenceEqual(entry.Key))
                {
                    return ref entry;
                }
                i = entry.Next;
            }
        }
        return ref Unsafe.NullRef<Entry>();
    }

    /// <summary>Fetches what <see cref="Find"/> reads for each of these hashes, step by step for all at once, so that they wait for memory together.</summary>
    public void Warm(ReadOnlySpan<uint> hashes)
    {
        foreach (uint hash in hashes)
        {
            if (_parts[hash >> (32 - PartBits)] is Part part)
            {
                Prefetch(ref part.Buckets[hash & (uint)(part.Buckets.Length - 1)]);
            }
        }
        foreach (uint hash in hashes)
        {
            ref Entry entry = ref First(hash);
            if (!Unsafe.IsNullRef(ref entry))
            {
                Prefetch(ref entry);
                Prefetch(ref entry.UsedAt);
            }
        }
        foreach (uint hash in hashes)
        {
            ref Entry entry = ref First(hash);
            if (!Unsafe.IsNullRef(ref entry) && entry.Hash == hash && entry.Key is not null)
            {
                Prefetch(entry.Key);
                Prefetch(entry.Bytes);
            }
        }
    }

    /// <summary>Adds <paramref name="key"/>, which must not be there, and returns its empty entry.</summary>
    public ref Entry Add(byte[] key, uint hash)
    {
        ref Part? part = ref _parts[hash >> (32 - PartBits)];
        part ??= new Part(SmallestPart);
        if (part.Free < 0 && part.Top == part.Entries.Length)
        {
            part.Resize(part.Entries.Length * 2);
        }
        int i = part.Free;
        if (i >= 0)
        {
            part.Free = part.Entries[i].Next;
        }
        else
        {
            i = part.Top++;
        }
        ref Entry entry = ref part.Entries[i];
        entry = default;
        entry.Key = key;
        entry.Hash = hash;
        ref int bucket = ref part.Buckets[hash & (uint)(part.Buckets.Length - 1)];
        entry.Next = bucket - 1;
        bucket = i + 1;
        part.Count++;
        Count++;
        return ref entry;
    }

    /// <summary>Removes <paramref name="key"/>.</summary>
    public bool Remove(ReadOnlySpan<byte> key, uint hash)
    {
        Part? part = _parts[hash >> (32 - PartBits)];
        if (part is null)
        {
            return false;
        }
        ref int bucket = ref part.Buckets[hash & (uint)(part.Buckets.Length - 1)];
        int previous = -1;
        for (int i = bucket - 1; i >= 0; previous = i, i = part.Entries[i].Next)
        {
            ref Entry entry = ref part.Entries[i];
            if (entry.Hash != hash || !key.SequenceEqual(entry.Key))
            {
                continue;
            }
            if (previous < 0)
            {
                bucket = entry.Next + 1;
            }
            else
            {
                part.Entries[previous].Next = entry.Next;
            }
            entry = default;
            entry.Next = part.Free;
            part.Free = i;
            part.Count--;
            Count--;
            if (part.Entries.Length > 64 && part.Count < part.Entries.Length / 8)
            {
                part.Resize(part.Entries.Length / 4);
            }
            return true;
        }
        return false;
    }

    /// <summary>Removes all.</summary>
    public void Clear()
    {
        Array.Clear(_parts);
        Count = 0;
    }

    /// <summary>Visits some slots.</summary>
    /// <param name="cursor">0 to begin, then what the last call returned.</param>
    /// <param name="slots">How many slots to look at.</param>
    /// <param name="keys">Gets the keys found.</param>
    /// <returns>Where to go on, or 0 at the end.</returns>
    public ulong Scan(ulong cursor, int slots, List<byte[]> keys)
    {
        // A cursor is the number of slots left in its part, plus one so that it is never 0, and the part.
        int index = cursor == 0 ? 0 : (int)(cursor & ((1 << PartBits) - 1));
        long left = cursor == 0 ? long.MaxValue : (long)Math.Min(cursor >> PartBits, int.MaxValue) - 1;
        while (true)
        {
            Part? part = _parts[index];
            int i = (int)Math.Min(left, part?.Top ?? 0) - 1;
            for (; i >= 0 && slots > 0; i--, slots--)
            {
                if (part!.Entries[i].Key is byte[] key)
                {
                    keys.Add(key);
                }
            }
            if (i >= 0)
            {
                return ((ulong)(i + 2) << PartBits) | (uint)index;
            }
            if (++index == _parts.Length)
            {
                return 0;
            }
            if (slots <= 0 && _parts[index] is not null)
            {
                return ((ulong)int.MaxValue << PartBits) | (uint)index;
            }
            left = long.MaxValue;
        }
    }

    /// <summary>An entry picked at random, or a null reference in an empty table.</summary>
    public ref Entry Sample(Random random)
    {
        while (Count > 0)
        {
            // Parts have about the same number of keys, and an eighth of the slots or more are in use.
            Part? part = _parts[random.Next(_parts.Length)];
            if (part is { Top: > 0 })
            {
                ref Entry entry = ref part.Entries[random.Next(part.Top)];
                if (entry.Key is not null)
                {
                    return ref entry;
                }
            }
        }
        return ref Unsafe.NullRef<Entry>();
    }

    /// <summary>The first entry in the bucket of <paramref name="hash"/>, or a null reference.</summary>
    private ref Entry First(uint hash)
    {
        if (_parts[hash >> (32 - PartBits)] is Part part)
        {
            int i = part.Buckets[hash & (uint)(part.Buckets.Length - 1)] - 1;
            if ((uint)i < (uint)part.Entries.Length)
            {
                return ref part.Entries[i];
            }
        }
        return ref Unsafe.NullRef<Entry>();
    }

    // The addresses may have moved when they are used: that costs a wasted fetch, nothing else, so nothing is pinned.
    private static unsafe void Prefetch<T>(ref T place)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref place));
        }
    }

    private static unsafe void Prefetch(byte[]? array)
    {
        if (Sse.IsSupported && array is not null)
        {
            // From the length, which lies before the octets. What follows the first two lines the processor fetches by itself.
            byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) - sizeof(long);
            Sse.Prefetch0(start);
            Sse.Prefetch0(start + 56);
        }
    }

    private sealed class Part(int size)
    {
        // Twice as many as entries: most keys are then the first in their bucket.
        public int[] Buckets = new int[size * 2];
        public Entry[] Entries = new Entry[size];
        public int Free = -1;
        public int Top;
        public int Count;

        public void Resize(int size)
        {
            size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(size, SmallestPart));
            Entry[] old = Entries;
            int top = Top;
            Entries = new Entry[size];
            Buckets = new int[size * 2];
            Top = 0;
            Free = -1;
            for (int i = 0; i < top; i++)
            {
                if (old[i].Key is null)
                {
                    continue;
                }
                ref Entry entry = ref Entries[Top];
                entry = old[i];
                ref int bucket = ref Buckets[entry.Hash & (uint)(Buckets.Length - 1)];
                entry.Next = bucket - 1;
                bucket = ++Top;
            }
        }
    }
}
