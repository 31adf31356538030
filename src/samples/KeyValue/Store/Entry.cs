using System.Buffers.Text;

namespace KeyValue.Store;

/// <summary>A key and its value, in its slot of the table.</summary>
internal struct Entry
{
    /// <summary>What an entry costs beside its bytes: the slot, its bucket, two array headers.</summary>
    public const int Overhead = 112;

    internal uint Hash;
    internal int Next;

    /// <summary>Null in a slot that is free.</summary>
    public byte[]? Key;

    /// <summary>The value's bytes, of which the first <see cref="Length"/> count; null when the value is <see cref="Number"/>.</summary>
    public byte[]? Bytes;

    private long _numberOrLength;

    /// <summary>Unix time in milliseconds, or 0 for ever. Which clock it is on: <see cref="FollowsWallClock"/>.</summary>
    public long ExpiresAt;

    /// <summary>When it was last used, in tenths of a second of the loop's clock.</summary>
    public uint UsedAt;

    /// <summary>Whether the deadline was given as a date: then it moves with the wall clock; a span of time does not.</summary>
    public bool FollowsWallClock;

    /// <summary>Whether the value was changed in place (its encoding is then told as "raw").</summary>
    public bool IsEdited;

    /// <summary>The value, when it is a number.</summary>
    public readonly long Number => _numberOrLength;

    /// <summary>How many of <see cref="Bytes"/> count.</summary>
    public readonly int Length => (int)_numberOrLength;

    /// <summary>Bytes that this entry counts towards the memory limit.</summary>
    public readonly long MemoryBytes => Overhead + (Key?.Length ?? 0) + (Bytes?.Length ?? 0);

    /// <summary>Stores <paramref name="value"/>: as a number where it is spelled like one, in the old array where it fits exactly.</summary>
    public void SetValue(ReadOnlySpan<byte> value)
    {
        IsEdited = false;
        if (Integers.TryParse(value, out long number))
        {
            SetNumber(number);
            return;
        }
        if (Bytes is null || Bytes.Length != value.Length)
        {
            Bytes = value.ToArray();
        }
        else
        {
            value.CopyTo(Bytes);
        }
        _numberOrLength = value.Length;
    }

    /// <summary>Stores a number.</summary>
    public void SetNumber(long number)
    {
        Bytes = null;
        IsEdited = false;
        _numberOrLength = number;
    }

    /// <summary>Takes another entry's value: its array, or a copy of it.</summary>
    public void CopyValue(in Entry other, bool shares)
    {
        Bytes = shares ? other.Bytes : other.Bytes?.AsSpan(0, other.Length).ToArray();
        IsEdited = other.IsEdited;
        _numberOrLength = other._numberOrLength;
    }

    /// <summary>The value's bytes; a number is spelled into <paramref name="scratch"/>, of at least 20 bytes.</summary>
    public readonly ReadOnlySpan<byte> GetValue(Span<byte> scratch)
    {
        if (Bytes is not null)
        {
            return Bytes.AsSpan(0, Length);
        }
        Utf8Formatter.TryFormat(Number, scratch, out int length);
        return scratch[..length];
    }

    /// <summary>The value's bytes to change in place, made <paramref name="length"/> long; what is new is zero.</summary>
    /// <remarks>The array doubles as it grows, so appending octet by octet costs no more than appending at once.</remarks>
    public Span<byte> Edit(int length)
    {
        Span<byte> scratch = stackalloc byte[20];
        ReadOnlySpan<byte> value = GetValue(scratch);
        if (Bytes is null || Bytes.Length < length)
        {
            byte[] larger = new byte[value.IsEmpty ? length : (int)Math.Min(Math.Max((long)length, value.Length * 2L), Array.MaxLength)];
            value.CopyTo(larger);
            Bytes = larger;
        }
        _numberOrLength = length;
        IsEdited = true;
        return Bytes.AsSpan(0, length);
    }
}
