using System.Buffers;
using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.Content;

/// <summary>Feeds a dialogue with received bytes, whole or in pieces, and counts its verdicts as a client would.</summary>
internal sealed class DialogueDriver(Dialogue dialogue)
{
    private byte[] _rest = [];
    private uint _head;
    private uint _tail;

    public int Good { get; private set; }

    public int Wrong { get; private set; }

    public int Overtaken { get; private set; }

    public int Stray { get; private set; }

    public int Misses { get; private set; }

    public int Errors { get; private set; }

    public int Outstanding => (int)(_tail - _head);

    public int Unread => _rest.Length;

    public (int Good, int Wrong, int Overtaken, int Stray, int Outstanding) Verdict => (Good, Wrong, Overtaken, Stray, Outstanding);

    /// <summary>The bytes of the next request.</summary>
    public byte[] Ask()
    {
        var output = new ArrayBufferWriter<byte>();
        int length = dialogue.WriteRequest(output, _tail++);
        Assert.Equal(length, output.WrittenCount);
        return output.WrittenSpan.ToArray();
    }

    public byte[][] Ask(int count) => [.. Enumerable.Range(0, count).Select(_ => Ask())];

    public void Receive(params byte[][] pieces) => Receive(pieces.SelectMany(piece => piece).ToArray(), int.MaxValue);

    /// <summary>Receives in pieces of <paramref name="step"/> bytes.</summary>
    public void Receive(byte[] data, int step)
    {
        for (int at = 0; at < data.Length; at += Math.Min(step, data.Length - at))
        {
            _rest = [.. _rest, .. data.AsSpan(at, Math.Min(step, data.Length - at))];
            Read();
        }
    }

    private void Read()
    {
        int position = 0;
        while (position < _rest.Length)
        {
            Reply reply = dialogue.ReadReply(_rest.AsSpan(position), _head, _tail);
            if (reply.Kind == ReplyKind.Incomplete)
            {
                break;
            }
            Assert.True(reply.Length > 0, "a verdict that takes no bytes would be given for ever");
            position += reply.Length;
            if (reply.Kind == ReplyKind.Stray)
            {
                Stray++;
                continue;
            }
            Overtaken += (int)(reply.Sequence - _head);
            _head = reply.Sequence + 1;
            Assert.True(_tail - _head < uint.MaxValue / 2, "a reply to a request that was not sent");
            _ = reply.Kind switch { ReplyKind.Good => Good++, ReplyKind.Miss => Misses++, ReplyKind.Error => Errors++, _ => Wrong++ };
        }
        _rest = _rest[position..];
    }
}
