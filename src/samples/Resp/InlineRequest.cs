using System.Buffers;

namespace Resp;

/// <summary>Splits a typed line into arguments: blanks separate, quotes protect.</summary>
internal static class InlineRequest
{
    /// <summary>Splits <paramref name="line"/>, which has neither NUL nor LF.</summary>
    /// <returns>The number of arguments, or -1 when the quotes do not balance.</returns>
    /// <remarks>The arguments lie in <see cref="RespScratch.Inline"/>, because escapes make them differ from the line.</remarks>
    public static int Split(ReadOnlySpan<byte> line, RespScratch scratch)
    {
        ArrayBufferWriter<byte> output = scratch.Inline;
        output.ResetWrittenCount();
        // No argument grows by being unescaped, so the line's own length is enough for all of them.
        Span<byte> text = output.GetSpan(line.Length + 1);
        int used = 0;
        int count = 0;
        int i = 0;
        while (true)
        {
            while (i < line.Length && IsBlank(line[i]))
            {
                i++;
            }
            if (i == line.Length)
            {
                output.Advance(used);
                return count;
            }
            int start = used;
            if (!Token(line, ref i, text, ref used))
            {
                return -1;
            }
            if (count == scratch.Arguments.Length)
            {
                scratch.Grow();
            }
            scratch.Arguments[count++] = new RespArgument(start, used - start);
        }
    }

    private static bool Token(ReadOnlySpan<byte> line, ref int i, Span<byte> text, ref int used)
    {
        while (i < line.Length)
        {
            byte b = line[i];
            switch (b)
            {
                // VT and FF are blanks before a token but data inside one: so Redis reads them.
                case (byte)' ' or (byte)'\t' or (byte)'\r':
                    return true;
                case (byte)'"':
                    return DoubleQuoted(line, ref i, text, ref used);
                case (byte)'\'':
                    return SingleQuoted(line, ref i, text, ref used);
                default:
                    text[used++] = b;
                    i++;
                    break;
            }
        }
        return true;
    }

    private static bool DoubleQuoted(ReadOnlySpan<byte> line, ref int i, Span<byte> text, ref int used)
    {
        for (i++; i < line.Length; i++)
        {
            byte b = line[i];
            if (b == '"')
            {
                i++;
                return i == line.Length || IsBlank(line[i]);
            }
            if (b == '\\' && i + 3 < line.Length && line[i + 1] == 'x' && char.IsAsciiHexDigit((char)line[i + 2]) && char.IsAsciiHexDigit((char)line[i + 3]))
            {
                text[used++] = (byte)((Hex(line[i + 2]) << 4) | Hex(line[i + 3]));
                i += 3;
            }
            else if (b == '\\' && i + 1 < line.Length)
            {
                i++;
                text[used++] = line[i] switch
                {
                    (byte)'n' => (byte)'\n',
                    (byte)'r' => (byte)'\r',
                    (byte)'t' => (byte)'\t',
                    (byte)'b' => (byte)'\b',
                    (byte)'a' => (byte)'\a',
                    byte other => other,
                };
            }
            else
            {
                text[used++] = b;
            }
        }
        return false;
    }

    private static bool SingleQuoted(ReadOnlySpan<byte> line, ref int i, Span<byte> text, ref int used)
    {
        for (i++; i < line.Length; i++)
        {
            byte b = line[i];
            if (b == '\'')
            {
                i++;
                return i == line.Length || IsBlank(line[i]);
            }
            if (b == '\\' && i + 1 < line.Length && line[i + 1] == '\'')
            {
                i++;
                b = (byte)'\'';
            }
            text[used++] = b;
        }
        return false;
    }

    private static bool IsBlank(byte b) => b is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private static int Hex(byte b) => b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10;
}
