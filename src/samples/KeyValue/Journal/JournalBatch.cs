using System.Buffers.Binary;

namespace KeyValue.Journal;

/// <summary>What a record does.</summary>
internal enum JournalOperation : byte
{
    /// <summary>Stores a key with its value and deadline.</summary>
    Put,

    /// <summary>Removes a key.</summary>
    Remove,

    /// <summary>Removes all keys of a database.</summary>
    Clear,

    /// <summary>Gives a database a number.</summary>
    Map,
}

/// <summary>One record of a batch.</summary>
internal readonly ref struct JournalRecord(JournalOperation operation, int database, long number, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
{
    public JournalOperation Operation { get; } = operation;

    public int Database { get; } = database;

    /// <summary>The deadline of a put; the number that a map gives.</summary>
    public long Number { get; } = number;

    public ReadOnlySpan<byte> Key { get; } = key;

    public ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>The changes of one loop iteration, copied one behind the other into one array.</summary>
/// <remarks>Owned by the loop until it is submitted, by the journal's thread from then on.</remarks>
internal sealed class JournalBatch(long number)
{
    // operation, database, number, key length, value length
    private const int HeaderBytes = 1 + 4 + 8 + 4 + 4;

    private byte[] _bytes = new byte[4096];
    private int _used;

    /// <summary>Counts from 1.</summary>
    public long Number { get; private set; } = number;

    /// <summary>How many bytes wait in it.</summary>
    public int Length => _used;

    /// <summary>Starts again under another number.</summary>
    public void Reset(long number)
    {
        Number = number;
        _used = 0;
    }

    /// <summary>Adds a copy of <paramref name="record"/>.</summary>
    public void Add(JournalRecord record)
    {
        int size = HeaderBytes + record.Key.Length + record.Value.Length;
        if (_bytes.Length - _used < size)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Math.Max(_used + (long)size, _bytes.Length * 2L), Array.MaxLength));
        }
        Span<byte> room = _bytes.AsSpan(_used, size);
        room[0] = (byte)record.Operation;
        BinaryPrimitives.WriteInt32LittleEndian(room[1..], record.Database);
        BinaryPrimitives.WriteInt64LittleEndian(room[5..], record.Number);
        BinaryPrimitives.WriteInt32LittleEndian(room[13..], record.Key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(room[17..], record.Value.Length);
        record.Key.CopyTo(room[HeaderBytes..]);
        record.Value.CopyTo(room[(HeaderBytes + record.Key.Length)..]);
        _used += size;
    }

    /// <summary>Reads the record at <paramref name="offset"/> and moves behind it; false at the end.</summary>
    public bool TryRead(ref int offset, out JournalRecord record)
    {
        if (offset == _used)
        {
            record = default;
            return false;
        }
        ReadOnlySpan<byte> bytes = _bytes.AsSpan(offset, _used - offset);
        int key = BinaryPrimitives.ReadInt32LittleEndian(bytes[13..]);
        int value = BinaryPrimitives.ReadInt32LittleEndian(bytes[17..]);
        record = new JournalRecord(
            (JournalOperation)bytes[0],
            BinaryPrimitives.ReadInt32LittleEndian(bytes[1..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[5..]),
            bytes.Slice(HeaderBytes, key),
            bytes.Slice(HeaderBytes + key, value));
        offset += HeaderBytes + key + value;
        return true;
    }
}
