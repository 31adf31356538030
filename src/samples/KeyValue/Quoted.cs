using System.Globalization;
using System.Text;

namespace KeyValue;

/// <summary>A client's bytes as text that cannot break a line, neither of a log nor of a reply.</summary>
internal static class Quoted
{
    /// <summary>Appends <paramref name="bytes"/> in quotes, with escapes for what is not printable.</summary>
    public static StringBuilder Append(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        text.Append('"');
        foreach (byte b in bytes)
        {
            _ = b switch
            {
                (byte)'\\' or (byte)'"' => text.Append('\\').Append((char)b),
                (byte)'\n' => text.Append("\\n"),
                (byte)'\r' => text.Append("\\r"),
                (byte)'\t' => text.Append("\\t"),
                (byte)'\a' => text.Append("\\a"),
                (byte)'\b' => text.Append("\\b"),
                >= 0x20 and < 0x7F => text.Append((char)b),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"),
            };
        }
        return text.Append('"');
    }
}
