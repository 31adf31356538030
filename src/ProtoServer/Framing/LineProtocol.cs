using System.Buffers;
using System.Text;

namespace ProtoServer;

/// <summary>A connection that speaks in lines, ended by LF or by CR LF, each as the peer likes.</summary>
/// <remarks>
/// Loop thread only. A CR that no LF follows is an ordinary byte of its line. For a part that is not made of lines, hand the connection to another
/// protocol by <see cref="ITransport.Protocol"/>: the bytes behind the line go to it.
/// </remarks>
public abstract class LineProtocol : ContiguousFramingProtocol
{
    private const byte Lf = (byte)'\n';
    private const byte Cr = (byte)'\r';

    private int _maxLineBytes = DefaultMaxBytes;

    /// <summary>
    /// The longest line, in bytes without its terminator. Default 65,536; 1 to 1,073,741,824; may be changed between lines.
    /// </summary>
    /// <remarks>
    /// At the first byte beyond it <see cref="FramingProtocol.ProtocolViolated"/> may answer, then the connection closes. Above 1 MiB raise
    /// <see cref="ConnectionOptions.InputLimitBytes"/> too, to two bytes more than this at least: the transport's limit ends the connection without an answer.
    /// </remarks>
    public int MaxLineBytes
    {
        get => _maxLineBytes;
        set => _maxLineBytes = CheckedLimit(value, nameof(value));
    }

    /// <summary>What <see cref="SendLine(ReadOnlySpan{byte})"/> ends lines with. Default LF.</summary>
    public LineTerminator SendTerminator { get; set; } = LineTerminator.Lf;

    /// <summary>What ended the line that <see cref="LineReceived"/> is called for.</summary>
    protected LineTerminator Terminator { get; private set; }

    /// <summary>A line arrived.</summary>
    /// <param name="line">Without its terminator; may be empty. It dies with the call: copy what you keep.</param>
    protected abstract void LineReceived(ReadOnlySpan<byte> line);

    /// <summary>
    /// The peer closed its half in the middle of a line. The default delivers it to <see cref="LineReceived"/>, as the last line;
    /// an override may drop it, or call <see cref="FramingProtocol.Violate"/>.
    /// </summary>
    /// <param name="line">Never empty. It dies with the call.</param>
    protected virtual void UnterminatedLineReceived(ReadOnlySpan<byte> line) => LineReceived(line);

    /// <summary>Sends a line and <see cref="SendTerminator"/>.</summary>
    /// <param name="line">Without a terminator; copied.</param>
    /// <exception cref="ArgumentException">The line holds an LF, so that the peer would see several.</exception>
    /// <exception cref="InvalidOperationException">After <see cref="ITransport.WriteEof"/>.</exception>
    protected void SendLine(ReadOnlySpan<byte> line) => SendLine(line, SendTerminator);

    /// <summary>Sends a line with a terminator of its own, such as the <see cref="Terminator"/> of the line that it answers.</summary>
    /// <inheritdoc cref="SendLine(ReadOnlySpan{byte})"/>
    protected void SendLine(ReadOnlySpan<byte> line, LineTerminator terminator)
    {
        if (line.Contains(Lf))
        {
            ThrowSeveralLines(nameof(line));
        }

        WriteTogether(line, BytesOf(terminator));
    }

    /// <summary>Sends text in UTF-8 and <see cref="SendTerminator"/>.</summary>
    /// <param name="line">Without a terminator. What is not valid UTF-16 is sent as U+FFFD.</param>
    /// <exception cref="ArgumentException">The line holds an LF, so that the peer would see several.</exception>
    /// <exception cref="InvalidOperationException">After <see cref="ITransport.WriteEof"/>.</exception>
    protected void SendLine(ReadOnlySpan<char> line)
    {
        if (line.Contains('\n'))
        {
            ThrowSeveralLines(nameof(line));
        }

        byte[] bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(line.Length));
        try
        {
            SendLine(bytes.AsSpan(0, Encoding.UTF8.GetBytes(line, bytes)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
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
            int index = rest[scanned..].IndexOf(Lf);
            if (index < 0)
            {
                ScannedBytes = rest.Length;
                ThrowIfTooLong(rest.Length, rest.IsEmpty ? (byte)0 : rest[^1]);
                return start;
            }

            int length = scanned + index;
            start += length + 1;
            scanned = 0;
            ScannedBytes = 0;
            Terminator = LineTerminator.Lf;
            if (length > 0 && rest[length - 1] == Cr)
            {
                length--;
                Terminator = LineTerminator.CrLf;
            }

            if (length > _maxLineBytes)
            {
                ThrowTooLong();
            }

            LineReceived(rest[..length]);
            if (start == data.Length || !MayDeliver)
            {
                return start;
            }
        }
    }

    private protected sealed override long MeasureFrame(in ReadOnlySequence<byte> data)
    {
        ReadOnlySequence<byte> unscanned = data.Slice(ScannedBytes);
        if (unscanned.PositionOf(Lf) is SequencePosition end)
        {
            long length = ScannedBytes + unscanned.Slice(0, end).Length;
            if (length > _maxLineBytes + 1)
            {
                ThrowTooLong();
            }

            ScannedBytes = (int)length;
            return length + 1;
        }

        ThrowIfTooLong(data.Length, data.Slice(data.Length - 1).FirstSpan[0]);
        ScannedBytes = (int)data.Length;
        return -1;
    }

    /// <inheritdoc/>
    protected sealed override void EndInsideFrame(in ReadOnlySequence<byte> unconsumed)
    {
        if (unconsumed.Length > _maxLineBytes)
        {
            ThrowTooLong();
        }

        ScannedBytes = 0;
        Terminator = LineTerminator.None;
        if (unconsumed.IsSingleSegment)
        {
            UnterminatedLineReceived(unconsumed.FirstSpan);
            return;
        }

        int length = (int)unconsumed.Length;
        byte[] copy = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            unconsumed.CopyTo(copy);
            UnterminatedLineReceived(copy.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private static ReadOnlySpan<byte> BytesOf(LineTerminator terminator) => terminator switch
    {
        LineTerminator.Lf => "\n"u8,
        LineTerminator.CrLf => "\r\n"u8,
        LineTerminator.None => default,
        _ => throw new ArgumentOutOfRangeException(nameof(terminator), terminator, "Not a line terminator."),
    };

    private static void ThrowSeveralLines(string name) =>
        throw new ArgumentException("The line holds an LF, so the peer would see several lines; send each by a call of its own.", name);

    // A byte more than the limit may still be a CR whose LF is on its way.
    private void ThrowIfTooLong(long unfinishedBytes, byte last)
    {
        if (unfinishedBytes > _maxLineBytes && (unfinishedBytes > _maxLineBytes + 1L || last != Cr))
        {
            ThrowTooLong();
        }
    }

    private void ThrowTooLong() => Violate($"line longer than {_maxLineBytes} bytes");
}
