using System.Buffers;
using System.Globalization;
using System.Text;

namespace ProtoServer.LoadTest.Content;

/// <summary>
/// A message with gaps: <c>GET key:{rand:1..1000}\r\n</c>. Escapes: <c>\r \n \t \0 \\ \{ \xHH</c>.
/// Gaps: <c>{conn}</c>, <c>{seq}</c>, <c>{rand:a..b}</c>, <c>{hex:n}</c>, <c>{file:path}</c>.
/// </summary>
/// <remarks>Immutable. Random gaps depend on seed, connection, sequence and place only.</remarks>
internal sealed class Template
{
    private readonly List<Part> _parts = [];

    private Template()
    {
    }

    private enum Gap
    {
        None,
        Connection,
        Sequence,
        Random,
        Hex,
    }

    /// <summary>Whether every message is the same.</summary>
    public bool IsConstant => _parts.TrueForAll(part => part.Gap == Gap.None);

    /// <summary>Whether a message can be made again from connection and sequence number without a random gap.</summary>
    public bool IsRandom => _parts.Exists(part => part.Gap is Gap.Random or Gap.Hex);

    /// <summary>No message is longer.</summary>
    public int MaxBytes => _parts.Sum(part => part.Gap switch { Gap.None => part.Literal.Length, Gap.Hex => (int)part.High, _ => 20 });

    /// <exception cref="FormatException">The text is no template; the message says where and what is expected.</exception>
    public static Template Parse(string text)
    {
        var template = new Template();
        var literal = new ArrayBufferWriter<byte>();
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\')
            {
                i += ParseEscape(text, i, literal);
            }
            else if (c == '{')
            {
                int end = text.IndexOf('}', i);
                if (end < 0)
                {
                    throw new FormatException($"'{{' at position {i} has no '}}'; write \\{{ for a brace.");
                }
                template.Add(literal);
                template._parts.Add(ParseGap(text[(i + 1)..end]));
                i = end;
            }
            else
            {
                int length = char.IsHighSurrogate(c) && i + 1 < text.Length ? 2 : 1;
                Encoding.UTF8.GetBytes(text.AsSpan(i, length), literal);
                i += length - 1;
            }
        }
        template.Add(literal);
        return template;
    }

    /// <summary>Writes one message.</summary>
    /// <returns>Its bytes.</returns>
    public int Write(Span<byte> destination, int seed, uint connection, uint sequence)
    {
        int length = 0;
        for (int i = 0; i < _parts.Count; i++)
        {
            length += _parts[i].Write(destination[length..], Mixing.Mix(seed + i, connection, sequence), connection, sequence);
        }
        return length;
    }

    private void Add(ArrayBufferWriter<byte> literal)
    {
        if (literal.WrittenCount > 0)
        {
            _parts.Add(new Part(Gap.None, literal.WrittenSpan.ToArray(), 0, 0));
            literal.ResetWrittenCount();
        }
    }

    private static int ParseEscape(string text, int at, ArrayBufferWriter<byte> literal)
    {
        char kind = at + 1 < text.Length ? text[at + 1] : ' ';
        int value = kind switch { 'r' => '\r', 'n' => '\n', 't' => '\t', '0' => 0, '\\' => '\\', '{' => '{', '}' => '}', _ => -1 };
        int used = 1;
        if (kind == 'x' && at + 3 < text.Length
            && byte.TryParse(text.AsSpan(at + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte hex))
        {
            value = hex;
            used = 3;
        }
        if (value < 0)
        {
            throw new FormatException($"unknown escape at position {at}; there are \\r \\n \\t \\0 \\\\ \\{{ \\}} and \\xHH.");
        }
        literal.Write([(byte)value]);
        return used;
    }

    private static Part ParseGap(string gap)
    {
        int colon = gap.IndexOf(':');
        string name = colon < 0 ? gap : gap[..colon];
        string argument = colon < 0 ? "" : gap[(colon + 1)..];
        int dots = argument.IndexOf("..", StringComparison.Ordinal);
        switch (name)
        {
            case "conn" when colon < 0:
                return new Part(Gap.Connection, [], 0, 0);
            case "seq" when colon < 0:
                return new Part(Gap.Sequence, [], 0, 0);
            case "rand" when dots > 0 && long.TryParse(argument[..dots], CultureInfo.InvariantCulture, out long low)
                && long.TryParse(argument[(dots + 2)..], CultureInfo.InvariantCulture, out long high) && low <= high && high - low < uint.MaxValue:
                return new Part(Gap.Random, [], low, high);
            case "hex" when int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out int digits) && digits is > 0 and <= 65536:
                return new Part(Gap.Hex, [], 0, digits);
            case "file" when File.Exists(argument):
                return new Part(Gap.None, File.ReadAllBytes(argument), 0, 0);
            case "file":
                throw new FormatException($"{{file:{argument}}}: there is no such file.");
            default:
                throw new FormatException($"{{{gap}}} is no gap; there are {{conn}} {{seq}} {{rand:1..100}} {{hex:16}} {{file:path}}. Write \\{{ for a brace.");
        }
    }

    private readonly record struct Part(Gap Gap, byte[] Literal, long Low, long High)
    {
        public int Write(Span<byte> destination, ulong random, uint connection, uint sequence)
        {
            int length;
            switch (Gap)
            {
                case Gap.Connection:
                    connection.TryFormat(destination, out length, default, CultureInfo.InvariantCulture);
                    return length;
                case Gap.Sequence:
                    sequence.TryFormat(destination, out length, default, CultureInfo.InvariantCulture);
                    return length;
                case Gap.Random:
                    long value = Low + Mixing.Below((uint)random, (uint)(High - Low + 1));
                    value.TryFormat(destination, out length, default, CultureInfo.InvariantCulture);
                    return length;
                case Gap.Hex:
                    for (int i = 0; i < High; i++)
                    {
                        if (i > 0 && i % 16 == 0)
                        {
                            random = Mixing.Mix((int)random, (uint)(random >> 32), (uint)i);
                        }
                        destination[i] = "0123456789abcdef"u8[(int)(random >> (i % 16 * 4)) & 15];
                    }
                    return (int)High;
                default:
                    Literal.CopyTo(destination);
                    return Literal.Length;
            }
        }
    }
}
