namespace ProtoServer.LoadTest.Content;

/// <summary>An echo of which every byte is compared with what was sent.</summary>
/// <remarks>
/// Replies are found by their expected size, not by their ending, so that a damaged ending damages one reply. A reply that is whole and belongs to a
/// later request shows that those before it were dropped; after bytes that fit nowhere, the next whole reply is searched for.
/// </remarks>
internal sealed class VerifiedEchoDialogue(Payload payload, SizeRange sizes, LineEnding ending, int seed, uint connection)
    : EchoDialogue(payload, sizes, ending, seed, connection)
{
    // How far back a sequence number is still taken for a reply that came twice.
    private const uint RecentRequests = 1 << 16;

    public override Reply ReadReply(ReadOnlySpan<byte> received, uint head, uint tail)
    {
        int size = SizeOf(head);
        if (head != tail && received.Length >= size && Payload.Matches(received[..size], Connection, head))
        {
            return new Reply(ReplyKind.Good, size, head);
        }
        return ReadOther(received, head, tail, size);
    }

    private Reply ReadOther(ReadOnlySpan<byte> received, uint head, uint tail, int size)
    {
        if (TryMatch(received, head, tail, out Reply found))
        {
            return found;
        }
        if (head == tail)
        {
            return received.Length < Payload.MinBytes ? Reply.Incomplete : new Reply(ReplyKind.Stray, received.Length, head);
        }
        if (received.Length < size)
        {
            return Reply.Incomplete;
        }
        // Neither the expected reply nor another one: see where the next whole reply begins.
        for (int skip = 1; skip + Payload.MinBytes <= received.Length; skip++)
        {
            if (TryMatch(received[skip..], head, tail, out found) && found.Kind == ReplyKind.Good)
            {
                return new Reply(found.Sequence == head ? ReplyKind.Stray : ReplyKind.Wrong, skip, head);
            }
        }
        return new Reply(ReplyKind.Wrong, size, head);
    }

    // True: the beginning is a whole reply of ours, or may become one when more bytes come.
    private bool TryMatch(ReadOnlySpan<byte> received, uint head, uint tail, out Reply found)
    {
        found = Reply.Incomplete;
        if (!Payload.TryReadSequence(received, out uint sequence))
        {
            return false;
        }
        bool waiting = sequence - head < tail - head;
        if (!waiting && head - sequence > RecentRequests)
        {
            return false;
        }
        int size = SizeOf(sequence);
        if (received.Length < size)
        {
            if (Ending == LineEnding.CrLf && received.Length == size - 1 && TryMatchOtherEnding(received, sequence, waiting, size, out found))
            {
                return true;
            }
            // The expected reply's own beginning needs no proof: if it turns out damaged, its size is known.
            return sequence == head ? waiting : Payload.MatchesPrefix(received, Connection, sequence, size);
        }
        if (Payload.Matches(received[..size], Connection, sequence))
        {
            found = new Reply(waiting ? ReplyKind.Good : ReplyKind.Stray, size, sequence);
            return true;
        }
        return TryMatchOtherEnding(received, sequence, waiting, size, out found);
    }

    // Servers that read lines may answer with the other ending than they were sent: \r\n for \n, or \n for \r\n.
    private bool TryMatchOtherEnding(ReadOnlySpan<byte> received, uint sequence, bool waiting, int size, out Reply found)
    {
        found = Reply.Incomplete;
        int sentEnding = (int)Ending;
        if (Ending == LineEnding.None)
        {
            return false;
        }
        ReadOnlySpan<byte> other = Ending == LineEnding.Lf ? "\r\n"u8 : "\n"u8;
        int otherSize = size - sentEnding + other.Length;
        if (received.Length < otherSize)
        {
            return received[(size - sentEnding)..].SequenceEqual("\r"u8);
        }
        if (!received[(size - sentEnding)..].StartsWith(other))
        {
            return false;
        }
        byte[]? rented = null;
        Span<byte> whole = size <= 1024 ? stackalloc byte[1024] : rented = System.Buffers.ArrayPool<byte>.Shared.Rent(size);
        whole = whole[..size];
        received[..(size - sentEnding)].CopyTo(whole);
        (Ending == LineEnding.Lf ? "\n"u8 : "\r\n"u8).CopyTo(whole[(size - sentEnding)..]);
        bool good = Payload.Matches(whole, Connection, sequence);
        if (rented is not null)
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        }
        found = good ? new Reply(waiting ? ReplyKind.Good : ReplyKind.Stray, otherSize, sequence) : Reply.Incomplete;
        return good;
    }
}
