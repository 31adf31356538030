using System.Buffers;
using System.Buffers.Binary;

namespace ProtoServer;

/// <summary>A connection whose frames carry their length in front.</summary>
/// <remarks>
/// Loop thread only. An EOF inside a frame, a length above the limit and a varint of more than ten bytes are violations; a length is judged as soon as
/// it is read, before the frame arrives. A length that counts itself, or headers around it, are the business of <see cref="MessageProtocol{T}"/>.
/// </remarks>
public abstract class LengthPrefixedProtocol : ContiguousFramingProtocol
{
    private const int MaxPrefixBytes = 10; // 64 bits in sevens

    private readonly LengthPrefix _prefix;
    private int _maxFrameBytes = DefaultMaxBytes;

    /// <summary>Takes the form of the length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not one of <see cref="LengthPrefix"/>.</exception>
    protected LengthPrefixedProtocol(LengthPrefix prefix)
    {
        if (!Enum.IsDefined(prefix))
        {
            throw new ArgumentOutOfRangeException(nameof(prefix), prefix, "Not a length prefix; take one of LengthPrefix.");
        }

        _prefix = prefix;
    }

    /// <summary>The longest frame, in bytes without its length. Default 65,536; 1 to 1,073,741,824; may be changed between frames.</summary>
    /// <remarks>
    /// At a length beyond it <see cref="FramingProtocol.ProtocolViolated"/> may answer, then the connection closes. Above 1 MiB raise
    /// <see cref="ConnectionOptions.InputLimitBytes"/> too, to ten bytes more than this at least: the transport's limit ends the connection without an answer.
    /// </remarks>
    public int MaxFrameBytes
    {
        get => _maxFrameBytes;
        set => _maxFrameBytes = CheckedLimit(value, nameof(value));
    }

    /// <summary>A frame arrived.</summary>
    /// <param name="frame">Without its length; may be empty. It dies with the call: copy what you keep.</param>
    protected abstract void FrameReceived(ReadOnlySpan<byte> frame);

    /// <summary>Sends the length of a frame and the frame.</summary>
    /// <param name="frame">Copied. Only the prefix bounds it: what the peer takes is the peer's to say.</param>
    /// <exception cref="ArgumentException">The prefix is too short for this length.</exception>
    /// <exception cref="InvalidOperationException">After <see cref="ITransport.WriteEof"/>.</exception>
    protected void SendFrame(ReadOnlySpan<byte> frame)
    {
        Span<byte> buffer = stackalloc byte[MaxPrefixBytes];
        WriteTogether(buffer[..WritePrefix(buffer, frame.Length)], frame);
    }

    private protected sealed override int DeliverFrames(ReadOnlySpan<byte> data)
    {
        int start = 0;
        while (true)
        {
            ReadOnlySpan<byte> rest = data[start..];
            if (!TryReadPrefix(rest, out int prefixBytes, out int length) || rest.Length - prefixBytes < length)
            {
                return start;
            }

            start += prefixBytes + length;
            FrameReceived(rest.Slice(prefixBytes, length));
            if (start == data.Length || !MayDeliver)
            {
                return start;
            }
        }
    }

    private protected sealed override long MeasureFrame(in ReadOnlySequence<byte> data)
    {
        Span<byte> buffer = stackalloc byte[MaxPrefixBytes];
        ReadOnlySequence<byte> head = data.Slice(0, Math.Min(MaxPrefixBytes, data.Length));
        head.CopyTo(buffer);
        return TryReadPrefix(buffer[..(int)head.Length], out int prefixBytes, out int length) && data.Length - prefixBytes >= length
            ? prefixBytes + (long)length
            : -1;
    }

    private bool TryReadPrefix(ReadOnlySpan<byte> data, out int prefixBytes, out int length)
    {
        length = 0;
        ulong value = 0;
        if (_prefix == LengthPrefix.Varint)
        {
            if (!TryReadVarint(data, out prefixBytes, out value))
            {
                return false;
            }
        }
        else
        {
            prefixBytes = FixedPrefixBytes;
            if (data.Length < prefixBytes)
            {
                return false;
            }

            value = ReadFixed(data);
        }

        if (value > (ulong)_maxFrameBytes)
        {
            ThrowTooLong();
        }

        length = (int)value;
        return true;
    }

    private int FixedPrefixBytes => _prefix switch
    {
        LengthPrefix.OneByte => 1,
        LengthPrefix.TwoBytesBigEndian or LengthPrefix.TwoBytesLittleEndian => 2,
        LengthPrefix.FourBytesBigEndian or LengthPrefix.FourBytesLittleEndian => 4,
        _ => 8,
    };

    private ulong ReadFixed(ReadOnlySpan<byte> data) => _prefix switch
    {
        LengthPrefix.OneByte => data[0],
        LengthPrefix.TwoBytesBigEndian => BinaryPrimitives.ReadUInt16BigEndian(data),
        LengthPrefix.TwoBytesLittleEndian => BinaryPrimitives.ReadUInt16LittleEndian(data),
        LengthPrefix.FourBytesBigEndian => BinaryPrimitives.ReadUInt32BigEndian(data),
        LengthPrefix.FourBytesLittleEndian => BinaryPrimitives.ReadUInt32LittleEndian(data),
        LengthPrefix.EightBytesBigEndian => BinaryPrimitives.ReadUInt64BigEndian(data),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(data),
    };

    private bool TryReadVarint(ReadOnlySpan<byte> data, out int prefixBytes, out ulong value)
    {
        value = 0;
        for (prefixBytes = 0; prefixBytes < data.Length;)
        {
            byte next = data[prefixBytes];
            if (prefixBytes == MaxPrefixBytes - 1 && next > 1)
            {
                Violate("length of more than 64 bits");
            }

            value |= (ulong)(next & 0x7F) << (7 * prefixBytes);
            prefixBytes++;
            if (value > (ulong)_maxFrameBytes)
            {
                ThrowTooLong();
            }

            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private int WritePrefix(Span<byte> buffer, int length)
    {
        if ((_prefix == LengthPrefix.OneByte && length > byte.MaxValue) || (FixedPrefixBytes == 2 && length > ushort.MaxValue))
        {
            throw new ArgumentException($"The prefix {_prefix} cannot say {length} bytes; send smaller frames, or take a longer prefix.", nameof(length));
        }

        switch (_prefix)
        {
            case LengthPrefix.OneByte:
                buffer[0] = (byte)length;
                return 1;
            case LengthPrefix.TwoBytesBigEndian:
                BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)length);
                return 2;
            case LengthPrefix.TwoBytesLittleEndian:
                BinaryPrimitives.WriteUInt16LittleEndian(buffer, (ushort)length);
                return 2;
            case LengthPrefix.FourBytesBigEndian:
                BinaryPrimitives.WriteInt32BigEndian(buffer, length);
                return 4;
            case LengthPrefix.FourBytesLittleEndian:
                BinaryPrimitives.WriteInt32LittleEndian(buffer, length);
                return 4;
            case LengthPrefix.EightBytesBigEndian:
                BinaryPrimitives.WriteInt64BigEndian(buffer, length);
                return 8;
            case LengthPrefix.EightBytesLittleEndian:
                BinaryPrimitives.WriteInt64LittleEndian(buffer, length);
                return 8;
            default:
                return WriteVarint(buffer, (uint)length);
        }
    }

    private static int WriteVarint(Span<byte> buffer, uint value)
    {
        int count = 0;
        while (value >= 0x80)
        {
            buffer[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        buffer[count++] = (byte)value;
        return count;
    }

    private void ThrowTooLong() => Violate($"frame longer than {_maxFrameBytes} bytes");
}
