using System.Buffers;

namespace ProtoServer;

/// <summary>What the framings share that deliver each frame as one span: the way over the borders of the transport's segments.</summary>
/// <remarks>A frame inside one segment is delivered in place; only one that crosses a border is copied together, once, when it is whole.</remarks>
public abstract class ContiguousFramingProtocol : FramingProtocol
{
    /// <summary>The bound that a framing has unless it is told another: 64 KiB.</summary>
    private protected const int DefaultMaxBytes = 64 * 1024;

    // A span is at most 2 GiB and a rented copy at most that, so the bound stays well below with terminator or prefix.
    private const int LargestMaxBytes = 1024 * 1024 * 1024;

    // Up to here one span of the output is asked for; more would force the transport into a block made to measure.
    private const int OneSpanBytes = 1024;

    private protected ContiguousFramingProtocol()
    {
    }

    /// <summary>
    /// How many of the unconsumed bytes are known not to hold the end of the frame that they begin: a frame that drips in is scanned once.
    /// </summary>
    private protected int ScannedBytes { get; set; }

    /// <summary>Delivers whole frames from the start of <paramref name="data"/> while <see cref="FramingProtocol.MayDeliver"/>.</summary>
    /// <returns>How many bytes those frames took.</returns>
    private protected abstract int DeliverFrames(ReadOnlySpan<byte> data);

    /// <summary>The length of the first frame with its terminator or prefix; -1 if <paramref name="data"/> does not hold all of it.</summary>
    private protected abstract long MeasureFrame(in ReadOnlySequence<byte> data);

    /// <inheritdoc/>
    protected sealed override SequencePosition Deliver(in ReadOnlySequence<byte> data)
    {
        if (!data.IsSingleSegment)
        {
            return DeliverAcrossSegments(data);
        }

        ReadOnlySpan<byte> span = data.FirstSpan;
        int consumed = DeliverFrames(span);
        return consumed == span.Length ? data.End : data.GetPosition(consumed);
    }

    /// <summary>Writes both as one: the transport's marks and its hard limit must not come between a frame and its terminator or prefix.</summary>
    private protected void WriteTogether(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        int length = first.Length + second.Length;
        if (length > OneSpanBytes)
        {
            byte[] together = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                first.CopyTo(together);
                second.CopyTo(together.AsSpan(first.Length));
                Transport.Write(together.AsSpan(0, length));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(together);
            }
        }
        else if (length > 0)
        {
            IBufferWriter<byte> output = Transport.Output;
            Span<byte> span = output.GetSpan(length);
            first.CopyTo(span);
            second.CopyTo(span[first.Length..]);
            output.Advance(length);
        }
    }

    private protected static int CheckedLimit(int bytes, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, LargestMaxBytes, name);
        return bytes;
    }

    private SequencePosition DeliverAcrossSegments(ReadOnlySequence<byte> rest)
    {
        while (true)
        {
            int consumed = DeliverFrames(rest.FirstSpan);
            rest = rest.Slice(consumed);
            if (rest.IsEmpty || (consumed > 0 && !MayDeliver))
            {
                return rest.Start;
            }

            long length = MeasureFrame(rest);
            if (length < 0)
            {
                return rest.Start;
            }

            DeliverCopy(rest.Slice(0, length));
            rest = rest.Slice(length);
            if (rest.IsEmpty || !MayDeliver)
            {
                return rest.Start;
            }
        }
    }

    private void DeliverCopy(in ReadOnlySequence<byte> frame)
    {
        int length = (int)frame.Length;
        byte[] copy = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            frame.CopyTo(copy);
            _ = DeliverFrames(copy.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
