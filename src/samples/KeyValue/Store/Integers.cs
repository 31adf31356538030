using System.Buffers.Text;

namespace KeyValue.Store;

/// <summary>Numbers as the protocol spells them: one spelling each, so that a number read back is the text that was stored.</summary>
internal static class Integers
{
    /// <summary>Parses a signed 64-bit number without plus, blank, leading zero or "-0".</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if ((uint)(text.Length - 1) > 19)
        {
            return false;
        }
        uint first = text[0];
        if (text.Length == 1)
        {
            value = first - '0';
            return (ulong)value <= 9;
        }
        uint digit = first == '-' ? text[1] : first;
        return digit - '1' <= 8 && Utf8Parser.TryParse(text, out value, out int consumed) && consumed == text.Length;
    }
}
