using System.Buffers.Text;

namespace ProtoServer.LoadTest.Content;

/// <summary>Finds the end of one RESP reply (versions 2 and 3), nested ones included.</summary>
internal static class RespReply
{
    /// <summary>Longest length or count that is believed: a damaged length must not make the tool wait for gigabytes.</summary>
    public const long MaxLength = 512 * 1024 * 1024;

    /// <summary>Bytes of the reply at the beginning of <paramref name="received"/>; 0: more are needed; -1: this is no RESP.</summary>
    public static int Measure(ReadOnlySpan<byte> received)
    {
        int position = 0;
        for (long open = 1; open > 0; open--)
        {
            ReadOnlySpan<byte> rest = received[position..];
            int end = rest.IndexOf("\r\n"u8);
            if (end < 0)
            {
                // A line that never ends is no RESP: simple strings and numbers are short.
                return rest.Length > 64 * 1024 || (rest.Length > 0 && !IsType(rest[0])) ? -1 : 0;
            }
            if (end == 0 || !IsType(rest[0]))
            {
                return -1;
            }
            position += end + 2;
            if (IsLine(rest[0]))
            {
                continue;
            }
            if (!TryReadLength(rest[1..end], out long length))
            {
                return -1;
            }
            if (IsBlob(rest[0]))
            {
                if (length >= 0)
                {
                    if (received.Length - position < length + 2)
                    {
                        return 0;
                    }
                    position += (int)length;
                    if (!received[position..].StartsWith("\r\n"u8))
                    {
                        return -1;
                    }
                    position += 2;
                }
            }
            else if (length > 0)
            {
                // Maps count pairs; attributes come before the value that they belong to.
                open += rest[0] switch { (byte)'%' => 2 * length, (byte)'|' => (2 * length) + 1, _ => length };
            }
        }
        return position;
    }

    /// <summary>Reads the decimal length of a bulk string or array; -1 is RESP2's null.</summary>
    public static bool TryReadLength(ReadOnlySpan<byte> digits, out long length) =>
        Utf8Parser.TryParse(digits, out length, out int used) && used == digits.Length && length is >= -1 and <= MaxLength;

    private static bool IsType(byte type) => IsLine(type) || IsBlob(type) || type is (byte)'*' or (byte)'%' or (byte)'~' or (byte)'>' or (byte)'|';

    private static bool IsLine(byte type) => type is (byte)'+' or (byte)'-' or (byte)':' or (byte)'_' or (byte)'#' or (byte)',' or (byte)'(';

    private static bool IsBlob(byte type) => type is (byte)'$' or (byte)'!' or (byte)'=';
}
