using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ProtoServer.LoadTest.Content;

/// <summary>
/// Messages that prove what they are: eight digits of sequence number, seeded printable bytes, and a checksum in the last eight bytes,
/// the line ending included.
/// <code>0000002a kJ3...seeded...x9  5b1f0c2\n</code>
/// </summary>
/// <remarks>
/// The seeded bytes are a window into one random block, at a place that the sequence number and the identity (a connection, or a key) choose;
/// the checksum (CRC-32C) covers bytes, sequence and identity. So any changed byte, and any reply meant for another request or connection, is found.
/// Immutable: all loops share one.
/// </remarks>
internal sealed class Payload
{
    /// <summary>Sequence and checksum: nothing smaller can be verified.</summary>
    public const int MinBytes = 16;

    // 1024 windows: enough that two neighbours never look alike, few enough that their checksums are computed once.
    private const int Windows = 1024;

    private readonly byte[] _block;
    private readonly uint[]? _windowChecksums;
    private readonly int _fixedBodyBytes;
    private readonly int _seed;
    private readonly LineEnding _ending;

    /// <param name="sizes">What messages will measure; a fixed size is the fast case.</param>
    /// <param name="maxBytes">The largest message that will ever be compared.</param>
    /// <param name="seed">Same seed, same bytes.</param>
    /// <param name="ending">What the last bytes are.</param>
    public Payload(SizeRange sizes, int maxBytes, int seed, LineEnding ending)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sizes.Min, MinBytes);
        _seed = seed;
        _ending = ending;
        _block = new byte[Math.Max(maxBytes, sizes.Max) + Windows];
        // 64 characters that no protocol treats specially, and none that differs from another in case only by accident of a table.
        ReadOnlySpan<byte> alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;
        ulong word = 0;
        for (int i = 0; i < _block.Length; i++)
        {
            word = i % 8 == 0 ? Mixing.Mix(seed, 0xB10C, (uint)i) : word >> 8;
            _block[i] = alphabet[(int)(word & 63)];
        }
        if (sizes.IsFixed)
        {
            _fixedBodyBytes = sizes.Min - MinBytes;
            _windowChecksums = new uint[Windows];
            for (int window = 0; window < Windows; window++)
            {
                _windowChecksums[window] = Checksum(_block.AsSpan(window, _fixedBodyBytes));
            }
        }
        else
        {
            _fixedBodyBytes = -1;
        }
    }

    /// <summary>Fills <paramref name="message"/>, whose length is the message's size.</summary>
    public void Write(Span<byte> message, uint id, uint sequence)
    {
        int bodyBytes = message.Length - MinBytes;
        ReadOnlySpan<byte> body = Body(id, sequence, bodyBytes, out ulong trailer);
        BinaryPrimitives.WriteUInt64LittleEndian(message, HexDigits.Encode(sequence));
        body.CopyTo(message[8..]);
        BinaryPrimitives.WriteUInt64LittleEndian(message[(8 + bodyBytes)..], trailer);
    }

    /// <summary>Whether <paramref name="message"/> is exactly what <see cref="Write"/> makes of this identity and sequence number at this size.</summary>
    public bool Matches(ReadOnlySpan<byte> message, uint id, uint sequence)
    {
        int bodyBytes = message.Length - MinBytes;
        if ((uint)bodyBytes > (uint)(_block.Length - Windows) || BinaryPrimitives.ReadUInt64LittleEndian(message) != HexDigits.Encode(sequence))
        {
            return false;
        }
        ReadOnlySpan<byte> body = Body(id, sequence, bodyBytes, out ulong trailer);
        return BinaryPrimitives.ReadUInt64LittleEndian(message[(8 + bodyBytes)..]) == trailer && body.SequenceEqual(message.Slice(8, bodyBytes));
    }

    /// <summary>Whether <paramref name="beginning"/> can be the beginning of this message of <paramref name="size"/> bytes.</summary>
    public bool MatchesPrefix(ReadOnlySpan<byte> beginning, uint id, uint sequence, int size)
    {
        int bodyBytes = size - MinBytes;
        if (beginning.Length < 8 || BinaryPrimitives.ReadUInt64LittleEndian(beginning) != HexDigits.Encode(sequence))
        {
            return false;
        }
        ReadOnlySpan<byte> body = Body(id, sequence, bodyBytes, out _);
        ReadOnlySpan<byte> there = beginning[8..Math.Min(beginning.Length, 8 + bodyBytes)];
        return body.StartsWith(there);
    }

    /// <summary>The sequence number that stands at the beginning of a message.</summary>
    public static bool TryReadSequence(ReadOnlySpan<byte> message, out uint sequence)
    {
        sequence = 0;
        return message.Length >= 8 && HexDigits.TryDecode(BinaryPrimitives.ReadUInt64LittleEndian(message), out sequence);
    }

    private ReadOnlySpan<byte> Body(uint id, uint sequence, int bytes, out ulong trailer)
    {
        int window = (int)(Mixing.Mix(_seed, id, sequence) & (Windows - 1));
        ReadOnlySpan<byte> body = _block.AsSpan(window, bytes);
        uint crc = bytes == _fixedBodyBytes ? _windowChecksums![window] : Checksum(body);
        crc = BitOperations.Crc32C(crc, ((ulong)id << 32) | sequence);
        trailer = HexDigits.Encode(crc);
        trailer = _ending switch
        {
            LineEnding.Lf => (trailer & 0x00FFFFFFFFFFFFFF) | ((ulong)'\n' << 56),
            LineEnding.CrLf => (trailer & 0x0000FFFFFFFFFFFF) | ((ulong)'\n' << 56) | ((ulong)'\r' << 48),
            _ => trailer,
        };
        return body;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }
        foreach (byte one in bytes[(words.Length * 8)..])
        {
            crc = BitOperations.Crc32C(crc, one);
        }
        return crc;
    }
}
