using System.Buffers;

namespace ProtoServer;

/// <summary>A connection whose frames end with a byte sequence of its own, such as NUL, <c>\r\n\r\n</c> or <c>--boundary</c>.</summary>
/// <remarks>Loop thread only. An EOF inside a frame is a violation.</remarks>
public abstract class DelimitedProtocol : ContiguousFramingProtocol
{
    private readonly byte[] _delimiter;
    private int _maxFrameBytes = DefaultMaxBytes;

    /// <summary>Takes the delimiter.</summary>
    /// <param name="delimiter">At least one byte; copied.</param>
    /// <exception cref="ArgumentException">The delimiter is empty.</exception>
    protected DelimitedProtocol(ReadOnlySpan<byte> delimiter)
    {
        if (delimiter.IsEmpty)
        {
            throw new ArgumentException("The delimiter is empty; give at least one byte.", nameof(delimiter));
        }

        _delimiter = delimiter.ToArray();
    }

    /// <summary>The longest frame, in bytes without its delimiter. Default 65,536; 1 to 1,073,741,824; may be changed between frames.</summary>
    /// <remarks>
    /// Beyond it <see cref="FramingProtocol.ProtocolViolated"/> may answer, then the connection closes. Above 1 MiB raise
    /// <see cref="ConnectionOptions.InputLimitBytes"/> too, by the delimiter more than this at least: the transport's limit ends the connection without an answer.
    /// </remarks>
    public int MaxFrameBytes
    {
        get => _maxFrameBytes;
        set => _maxFrameBytes = CheckedLimit(value, nameof(value));
    }

    /// <summary>A frame arrived.</summary>
    /// <param name="frame">Without its delimiter; may be empty. It dies with the call: copy what you keep.</param>
    protected abstract void FrameReceived(ReadOnlySpan<byte> frame);

    /// <summary>Sends a frame and the delimiter.</summary>
    /// <param name="frame">Copied.</param>
    /// <exception cref="ArgumentException">The frame holds the delimiter, so that the peer would see several.</exception>
    /// <exception cref="InvalidOperationException">After <see cref="ITransport.WriteEof"/>.</exception>
    protected void SendFrame(ReadOnlySpan<byte> frame)
    {
        if (frame.IndexOf(_delimiter) >= 0)
        {
            throw new ArgumentException("The frame holds the delimiter, so the peer would see several frames; escape it, or use a length prefix.", nameof(frame));
        }

        WriteTogether(frame, _delimiter);
    }

    private protected sealed override int DeliverFrames(ReadOnlySpan<byte> data)
    {
        int start = 0;
        int scanned = ScannedBytes;
        if (scanned > data.Length)
        {
            return 0;
        }

        while (true)
        {
            ReadOnlySpan<byte> rest = data[start..];
            int index = rest[scanned..].IndexOf(_delimiter);
            if (index < 0)
            {
                KeepUnfinished(rest.Length);
                return start;
            }

            int length = scanned + index;
            start += length + _delimiter.Length;
            scanned = 0;
            ScannedBytes = 0;
            if (length > _maxFrameBytes)
            {
                ThrowTooLong();
            }

            FrameReceived(rest[..length]);
            if (start == data.Length || !MayDeliver)
            {
                return start;
            }
        }
    }

    private protected sealed override long MeasureFrame(in ReadOnlySequence<byte> data)
    {
        SequenceReader<byte> reader = new(data.Slice(ScannedBytes));
        if (reader.TryReadTo(out ReadOnlySequence<byte> before, _delimiter, advancePastDelimiter: false))
        {
            long length = ScannedBytes + before.Length;
            if (length > _maxFrameBytes)
            {
                ThrowTooLong();
            }

            ScannedBytes = (int)length;
            return length + _delimiter.Length;
        }

        KeepUnfinished(data.Length);
        return -1;
    }

    private void KeepUnfinished(long bytes)
    {
        // So many bytes can only be a frame within the limit if the delimiter ended by now.
        if (bytes >= (long)_maxFrameBytes + _delimiter.Length)
        {
            ThrowTooLong();
        }

        // The last bytes may be the beginning of the delimiter.
        ScannedBytes = Math.Max(0, (int)bytes - (_delimiter.Length - 1));
    }

    private void ThrowTooLong() => Violate($"frame longer than {_maxFrameBytes} bytes");
}
