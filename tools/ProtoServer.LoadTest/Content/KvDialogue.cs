using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;

namespace ProtoServer.LoadTest.Content;

/// <summary>One connection's SETs and GETs.</summary>
/// <remarks>
/// Connections share the keys, so a GET cannot know which SET came last; but each value names its key and carries a checksum,
/// so a torn, damaged or foreign value is found.
/// </remarks>
internal sealed class KvDialogue(KvSource source, uint connection, int pipeline) : Dialogue
{
    /// <summary>Digits of a key, after its prefix.</summary>
    public const int KeyDigits = 12;

    private const uint SetFlag = 1u << 31;

    // Which key was asked for, and whether by SET: cheaper kept than drawn again.
    private readonly uint[] _asked = new uint[BitOperations.RoundUpToPowerOf2((uint)pipeline)];

    public override int WriteRequest(IBufferWriter<byte> output, uint sequence)
    {
        uint key = source.Keys.Pick(source.Seed, connection, sequence);
        ulong random = Mixing.Mix(source.Seed, connection, sequence);
        bool set = Mixing.Below((uint)random, source.Shares) < source.Sets;
        _asked[sequence & (uint)(_asked.Length - 1)] = set ? key | SetFlag : key;
        byte[] head = set ? source.SetHead : source.GetHead;
        int valueBytes = set ? source.Values.Pick((uint)(random >> 32)) : 0;
        Span<byte> span = output.GetSpan(head.Length + KeyDigits + 32 + valueBytes);
        head.CopyTo(span);
        int length = head.Length;
        Utf8Formatter.TryFormat(key, span[length..], out _, new StandardFormat('D', KeyDigits));
        length += KeyDigits;
        if (set)
        {
            "\r\n$"u8.CopyTo(span[length..]);
            length += 3;
            valueBytes.TryFormat(span[length..], out int digits, default, CultureInfo.InvariantCulture);
            length += digits;
            "\r\n"u8.CopyTo(span[length..]);
            length += 2;
            source.Payload.Write(span.Slice(length, valueBytes), key, sequence);
            length += valueBytes;
        }
        "\r\n"u8.CopyTo(span[length..]);
        length += 2;
        output.Advance(length);
        return length;
    }

    public override Reply ReadReply(ReadOnlySpan<byte> received, uint head, uint tail)
    {
        if (head == tail)
        {
            return new Reply(ReplyKind.Stray, received.Length, head);
        }
        uint asked = _asked[head & (uint)(_asked.Length - 1)];
        if ((asked & SetFlag) != 0 && received.StartsWith("+OK\r\n"u8))
        {
            return new Reply(ReplyKind.Good, 5, head);
        }
        int length = RespReply.Measure(received);
        if (length <= 0)
        {
            // Not RESP: no later reply can be found either. All that came is taken, and the connection will time out.
            return length == 0 ? Reply.Incomplete : new Reply(ReplyKind.Wrong, received.Length, head);
        }
        ReplyKind kind = received[0] is (byte)'-' or (byte)'!' ? ReplyKind.Error
            : (asked & SetFlag) != 0 ? ReplyKind.Wrong
            : Judge(received[..length], asked);
        return new Reply(kind, length, head);
    }

    private ReplyKind Judge(ReadOnlySpan<byte> reply, uint key)
    {
        if (reply[0] == '_' || reply.SequenceEqual("$-1\r\n"u8))
        {
            return ReplyKind.Miss;
        }
        if (reply[0] != '$')
        {
            return ReplyKind.Wrong;
        }
        ReadOnlySpan<byte> value = reply[(reply.IndexOf((byte)'\n') + 1)..^2];
        bool good = !source.Verify || (Payload.TryReadSequence(value, out uint sequence) && source.Payload.Matches(value, key, sequence));
        return good ? ReplyKind.Good : ReplyKind.Wrong;
    }
}
