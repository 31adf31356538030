using System.Buffers;

namespace ProtoServer.Testing;

/// <summary>A sequence over copies of some bytes, which are overwritten when it is disposed of: what was kept of it is found out.</summary>
internal sealed class LentSequence : IDisposable
{
    private readonly List<byte[]> _copies;

    public LentSequence(IReadOnlyList<byte[]> segments, bool coalesce)
    {
        _copies = coalesce ? [Join(segments)] : [.. segments.Select(segment => (byte[])segment.Clone())];
        Sequence = Link(_copies);
    }

    public ReadOnlySequence<byte> Sequence { get; }

    public void Dispose()
    {
        foreach (byte[] copy in _copies)
        {
            copy.AsSpan().Fill(0xDD);
        }
    }

    private static byte[] Join(IReadOnlyList<byte[]> segments)
    {
        byte[] joined = new byte[segments.Sum(segment => segment.Length)];
        int length = 0;
        foreach (byte[] segment in segments)
        {
            segment.CopyTo(joined, length);
            length += segment.Length;
        }

        return joined;
    }

    private static ReadOnlySequence<byte> Link(List<byte[]> parts)
    {
        if (parts.Count == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        if (parts.Count == 1)
        {
            return new ReadOnlySequence<byte>(parts[0]);
        }

        Segment first = new(parts[0], 0);
        Segment last = first;
        foreach (byte[] part in parts.Skip(1))
        {
            last = last.Append(part);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, long runningIndex)
        {
            Memory = bytes;
            RunningIndex = runningIndex;
        }

        public Segment Append(byte[] bytes)
        {
            Segment next = new(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
