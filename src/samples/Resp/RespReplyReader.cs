using System.Buffers.Text;

namespace Resp;

/// <summary>Finds whole replies in a stream of bytes that is cut anywhere: the client's half.</summary>
/// <remarks>
/// The caller keeps what was not consumed and offers it again with more behind it; how far the reader got is remembered, so that nothing is
/// scanned twice. Nothing is allocated.
/// </remarks>
public sealed class RespReplyReader
{
    // A header line is a marker, a number and CR LF; simple strings and errors may be longer, but not without end.
    private const int LongestLine = 64 * 1024;

    private long _scanned;
    private long _outstanding;

    /// <summary>Looks for one whole reply at the start of <paramref name="input"/>.</summary>
    /// <param name="input">What was not consumed yet, with whatever came since.</param>
    /// <param name="reply">The reply; it points into <paramref name="input"/>.</param>
    /// <returns>False when the reply goes on in the next bytes.</returns>
    /// <exception cref="InvalidDataException">The bytes are no reply: the connection is of no more use.</exception>
    public bool TryRead(ReadOnlySpan<byte> input, out RespReply reply)
    {
        reply = default;
        if (_outstanding == 0)
        {
            _outstanding = 1;
            _scanned = 0;
        }
        while (_outstanding > 0)
        {
            if (_scanned >= input.Length)
            {
                return false;
            }
            ReadOnlySpan<byte> rest = input[(int)_scanned..];
            int end = rest.IndexOf("\r\n"u8);
            if (end < 0)
            {
                return rest.Length <= LongestLine ? false : throw new InvalidDataException($"A reply's line has no end within {LongestLine} octets.");
            }
            long elements = 0;
            long payload = 0;
            switch (rest[0])
            {
                case (byte)'+' or (byte)'-' or (byte)':' or (byte)'_' or (byte)',' or (byte)'#' or (byte)'(':
                    break;
                case (byte)'$' or (byte)'=' or (byte)'!':
                    payload = Number(rest[1..end]);
                    payload = payload < 0 ? 0 : payload + 2;
                    break;
                case (byte)'*' or (byte)'~' or (byte)'>':
                    elements = Math.Max(Number(rest[1..end]), 0);
                    break;
                case (byte)'%':
                    elements = Math.Max(Number(rest[1..end]), 0) * 2;
                    break;
                case (byte)'|':
                    // An attribute goes before the reply it belongs to, so it counts for nothing itself.
                    elements = (Math.Max(Number(rest[1..end]), 0) * 2) + 1;
                    break;
                default:
                    throw new InvalidDataException($"No reply begins with octet 0x{rest[0]:X2}.");
            }
            if (rest.Length < end + 2 + payload)
            {
                return false;
            }
            _scanned += end + 2 + payload;
            _outstanding += elements - 1;
        }
        reply = new RespReply(input[..(int)_scanned]);
        return true;
    }

    private static long Number(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits, out long value, out int consumed) && consumed == digits.Length && value <= int.MaxValue
            ? value
            : throw new InvalidDataException("A reply's length is not a number.");
}

/// <summary>A whole reply, as it came.</summary>
/// <param name="bytes">Its bytes, marker and CR LF included.</param>
public readonly ref struct RespReply(ReadOnlySpan<byte> bytes)
{
    /// <summary>The whole reply as it came; its length is what to consume.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>The first octet: <c>+ - : $ * _ % ~ > , # = (</c>.</summary>
    public byte Marker => Bytes[0];

    /// <summary>Whether it is an error.</summary>
    public bool IsError => Marker is (byte)'-' or (byte)'!';

    /// <summary>Whether it says that there is no value, in either version.</summary>
    public bool IsNull => Marker == '_' || (Marker is (byte)'$' or (byte)'*' && Bytes[1] == '-');

    /// <summary>The text of a simple reply, the octets of a string; empty for the others.</summary>
    public ReadOnlySpan<byte> Payload
    {
        get
        {
            switch (Marker)
            {
                case (byte)'$' or (byte)'=' or (byte)'!' when !IsNull:
                    int header = Bytes.IndexOf((byte)'\n') + 1;
                    return Bytes[header..^2];
                case (byte)'+' or (byte)'-' or (byte)':' or (byte)',' or (byte)'#' or (byte)'(':
                    return Bytes[1..^2];
                default:
                    return default;
            }
        }
    }
}
