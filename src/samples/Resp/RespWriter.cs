using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace Resp;

/// <summary>Writes replies, formatting straight into the output's own memory.</summary>
/// <remarks>
/// Nothing is part of the output before <see cref="Flush"/>; call it once after the last reply of a batch. A method whose reply differs
/// between the two versions of the protocol writes the one of <see cref="Version"/>.
/// </remarks>
public ref struct RespWriter
{
    // Payloads up to this size are copied in one piece; larger ones are handed on in the pieces the output offers.
    private const int OnePiece = 16 * 1024;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    private IBufferWriter<byte> _output;
    private Span<byte> _free;
    private int _used;

    /// <summary>Writes to <paramref name="output"/> in version 2 or 3 of the protocol.</summary>
    public RespWriter(IBufferWriter<byte> output, int version)
    {
        _output = output;
        Version = version;
    }

    /// <summary>2 or 3.</summary>
    public int Version { get; set; }

    /// <summary>Makes what was written part of the output.</summary>
    public void Flush()
    {
        if (_used > 0)
        {
            int used = _used;
            _used = 0;
            _free = default;
            _output.Advance(used);
        }
    }

    /// <summary>Flushes, and writes to <paramref name="output"/> from now on.</summary>
    public void Redirect(IBufferWriter<byte> output)
    {
        Flush();
        _free = default;
        _output = output;
    }

    /// <summary>Bytes that are ready on the wire's own form, CR LF included.</summary>
    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= OnePiece)
        {
            bytes.CopyTo(Room(bytes.Length));
            _used += bytes.Length;
            return;
        }
        while (bytes.Length > 0)
        {
            Span<byte> room = Room(1);
            int length = Math.Min(room.Length, bytes.Length);
            bytes[..length].CopyTo(room);
            _used += length;
            bytes = bytes[length..];
        }
    }

    /// <summary><c>+OK</c>.</summary>
    public void Ok() => Raw("+OK\r\n"u8);

    /// <summary>A line of text without CR or LF.</summary>
    public void Simple(scoped ReadOnlySpan<byte> text) => Line((byte)'+', text);

    /// <summary>An error: a code in capitals, then words. CR and LF in it become blanks, so that no argument can end the line.</summary>
    public void Error(scoped ReadOnlySpan<byte> text) => Line((byte)'-', text);

    /// <summary>A signed 64-bit number.</summary>
    public void Number(long value)
    {
        if ((ulong)value < 10)
        {
            Span<byte> room = Room(4);
            room[3] = (byte)'\n';
            room[2] = (byte)'\r';
            room[1] = (byte)('0' + value);
            room[0] = (byte)':';
            _used += 4;
            return;
        }
        Header((byte)':', value);
    }

    /// <summary>A string of any octets.</summary>
    /// <remarks>Not inlined: it would take up the JIT's inlining budget of the command that calls it, and the small span operations there would become calls.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Bulk(scoped ReadOnlySpan<byte> payload)
    {
        if (payload.Length > OnePiece)
        {
            Header((byte)'$', payload.Length);
            Raw(payload);
            Raw("\r\n"u8);
            return;
        }
        Span<byte> room = Room(payload.Length + 16);
        room[0] = (byte)'$';
        int used = 1 + Digits(room[1..], payload.Length);
        room[used + 1] = (byte)'\n';
        room[used] = (byte)'\r';
        used += 2;
        payload.CopyTo(room[used..]);
        used += payload.Length;
        room[used + 1] = (byte)'\n';
        room[used] = (byte)'\r';
        _used += used + 2;
    }

    /// <summary>A number as a string.</summary>
    public void BulkInteger(long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int length);
        Bulk(digits[..length]);
    }

    /// <summary>A string marked as text for people: verbatim in version 3.</summary>
    public void Text(scoped ReadOnlySpan<byte> text)
    {
        if (Version < 3)
        {
            Bulk(text);
            return;
        }
        Header((byte)'=', text.Length + 4);
        Raw("txt:"u8);
        Raw(text);
        Raw("\r\n"u8);
    }

    /// <summary>No value.</summary>
    public void Null() => Raw(Version < 3 ? "$-1\r\n"u8 : "_\r\n"u8);

    /// <summary>No array.</summary>
    public void NullArray() => Raw(Version < 3 ? "*-1\r\n"u8 : "_\r\n"u8);

    /// <summary>Begins an array of <paramref name="count"/> replies.</summary>
    public void Array(int count) => Header((byte)'*', count);

    /// <summary>Begins a map of <paramref name="count"/> pairs; in version 2 an array of twice as many.</summary>
    public void Map(int count) => Header(Version < 3 ? (byte)'*' : (byte)'%', Version < 3 ? count * 2 : count);

    /// <summary>Begins a set; in version 2 an array.</summary>
    public void Set(int count) => Header(Version < 3 ? (byte)'*' : (byte)'~', count);

    /// <summary>Begins a message outside the order of replies; in version 2 an array.</summary>
    public void Push(int count) => Header(Version < 3 ? (byte)'*' : (byte)'>', count);

    private void Line(byte marker, scoped ReadOnlySpan<byte> text)
    {
        Span<byte> room = Room(text.Length + 3);
        room[0] = marker;
        Span<byte> line = room.Slice(1, text.Length);
        text.CopyTo(line);
        line.ReplaceAny(LineEnds, (byte)' ');
        room[text.Length + 2] = (byte)'\n';
        room[text.Length + 1] = (byte)'\r';
        _used += text.Length + 3;
    }

    private void Header(byte marker, long value)
    {
        Span<byte> room = Room(24);
        room[0] = marker;
        int used = 1 + Digits(room[1..], value);
        room[used + 1] = (byte)'\n';
        room[used] = (byte)'\r';
        _used += used + 2;
    }

    private static int Digits(Span<byte> room, long value)
    {
        if ((ulong)value < 10)
        {
            room[0] = (byte)('0' + value);
            return 1;
        }
        if ((ulong)value < 100)
        {
            (int tens, int ones) = Math.DivRem((int)value, 10);
            room[1] = (byte)('0' + ones);
            room[0] = (byte)('0' + tens);
            return 2;
        }
        Utf8Formatter.TryFormat(value, room, out int length);
        return length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Room(int size)
    {
        if (_free.Length - _used < size)
        {
            Grow(size);
        }
        return _free[_used..];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int size)
    {
        Flush();
        _free = _output.GetSpan(size);
    }
}
