using System.Buffers.Binary;

namespace ProtoServer.LoadTest.Content;

/// <summary>Eight lower-case hexadecimal digits in one 64-bit word, the first digit in its lowest byte.</summary>
internal static class HexDigits
{
    /// <summary>The digits of <paramref name="value"/>, most significant first.</summary>
    public static ulong Encode(uint value)
    {
        // Spread the nibbles over the eight bytes, then add '0', or 'a' - 10 where the nibble is above 9.
        ulong v = BinaryPrimitives.ReverseEndianness(value);
        v = (v | (v << 16)) & 0x0000FFFF0000FFFF;
        v = (v | (v << 8)) & 0x00FF00FF00FF00FF;
        v = ((v >> 4) | (v << 8)) & 0x0F0F0F0F0F0F0F0F;
        ulong above9 = ((v + 0x0606060606060606) >> 4) & 0x0101010101010101;
        return v + 0x3030303030303030 + (above9 * 0x27);
    }

    /// <summary>The number whose digits are <paramref name="digits"/>; false when they are not eight lower-case digits.</summary>
    public static bool TryDecode(ulong digits, out uint value)
    {
        ulong v = (digits & 0x0F0F0F0F0F0F0F0F) + (9 * ((digits >> 6) & 0x0101010101010101));
        v = ((v << 4) | (v >> 8)) & 0x00FF00FF00FF00FF;
        v = (v | (v >> 8)) & 0x0000FFFF0000FFFF;
        v |= v >> 16;
        value = BinaryPrimitives.ReverseEndianness((uint)v);
        return Encode(value) == digits;
    }
}
