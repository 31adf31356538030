namespace ProtoServer.LoadTest.Content;

/// <summary>An echo whose replies are counted, not looked at: any line, or any bytes of the right number.</summary>
internal sealed class PlainEchoDialogue(Payload payload, SizeRange sizes, LineEnding ending, int seed, uint connection)
    : EchoDialogue(payload, sizes, ending, seed, connection)
{
    public override Reply ReadReply(ReadOnlySpan<byte> received, uint head, uint tail)
    {
        int length = Ending == LineEnding.None ? SizeOf(head) : received.IndexOf((byte)'\n') + 1;
        if (length == 0 || received.Length < length)
        {
            return Reply.Incomplete;
        }
        return new Reply(head == tail ? ReplyKind.Stray : ReplyKind.Good, length, head);
    }
}
