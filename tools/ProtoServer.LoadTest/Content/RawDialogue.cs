using System.Buffers;

namespace ProtoServer.LoadTest.Content;

/// <summary>One connection's templates and replies.</summary>
internal sealed class RawDialogue : Dialogue
{
    private readonly RawSource _source;
    private readonly uint _connection;
    private readonly int _maxBytes;
    private readonly byte[] _expected;
    private readonly bool _constant;
    private int _expectedBytes;

    public RawDialogue(RawSource source, uint connection)
    {
        _source = source;
        _connection = connection;
        _maxBytes = source.Message.MaxBytes;
        _expected = new byte[source.Expected?.MaxBytes ?? 0];
        _constant = source.Expected?.IsConstant ?? true;
        _expectedBytes = source.Expected?.Write(_expected, source.Seed, connection, 0) ?? 0;
    }

    public override bool ExpectsReplies => _source.Rule != ReplyRule.None;

    public override int WriteRequest(IBufferWriter<byte> output, uint sequence)
    {
        int length = _source.Message.Write(output.GetSpan(_maxBytes), _source.Seed, _connection, sequence);
        output.Advance(length);
        return length;
    }

    public override Reply ReadReply(ReadOnlySpan<byte> received, uint head, uint tail)
    {
        if (head == tail)
        {
            return new Reply(ReplyKind.Stray, received.Length, head);
        }
        switch (_source.Rule)
        {
            case ReplyRule.Literal:
                return ReadLiteral(received, head);
            case ReplyRule.Lines:
                int end = 0;
                for (int lines = 0; lines < _source.Amount; lines++)
                {
                    int next = received[end..].IndexOf((byte)'\n');
                    if (next < 0)
                    {
                        return Reply.Incomplete;
                    }
                    end += next + 1;
                }
                return new Reply(ReplyKind.Good, end, head);
            case ReplyRule.Bytes:
                return received.Length < _source.Amount ? Reply.Incomplete : new Reply(ReplyKind.Good, _source.Amount, head);
            case ReplyRule.Resp:
                int length = RespReply.Measure(received);
                return length == 0 ? Reply.Incomplete
                    : length < 0 ? new Reply(ReplyKind.Wrong, received.Length, head)
                    : new Reply(received[0] is (byte)'-' or (byte)'!' ? ReplyKind.Error : ReplyKind.Good, length, head);
            default:
                return new Reply(ReplyKind.Stray, received.Length, head);
        }
    }

    private Reply ReadLiteral(ReadOnlySpan<byte> received, uint head)
    {
        if (!_constant)
        {
            _expectedBytes = _source.Expected!.Write(_expected, _source.Seed, _connection, head);
        }
        ReadOnlySpan<byte> expected = _expected.AsSpan(0, _expectedBytes);
        if (received.StartsWith(expected))
        {
            return new Reply(ReplyKind.Good, expected.Length, head);
        }
        if (expected.StartsWith(received))
        {
            return Reply.Incomplete;
        }
        // Where a wrong reply ends is only known when replies are lines.
        if (expected.EndsWith("\n"u8))
        {
            int line = received.IndexOf((byte)'\n');
            return line < 0 ? Reply.Incomplete : new Reply(ReplyKind.Wrong, line + 1, head);
        }
        return received.Length < expected.Length ? Reply.Incomplete : new Reply(ReplyKind.Wrong, expected.Length, head);
    }
}
