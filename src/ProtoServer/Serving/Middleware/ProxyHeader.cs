using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace ProtoServer;

/// <summary>The header of the PROXY protocol, version 1 and 2: who connected to the proxy, and where to. Null addresses: the proxy speaks for itself, or does not know.</summary>
/// <remarks>Strict: what the specification does not allow is refused, at the first byte that shows it. Source: <see href="https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt">The PROXY protocol</see>.</remarks>
internal readonly record struct ProxyHeader(EndPoint? Source, EndPoint? Destination)
{
    // "PROXY TCP6 " and two full addresses and ports, CRLF included: the specification's own bound.
    private const int MaxTextBytes = 107;

    // Of version 2, behind its first 16 bytes: addresses take at most 216, the rest are additions that nobody needs here.
    private const int MaxBinaryBytes = 4096;

    private const int FixedBytes = 16;

    private static ReadOnlySpan<byte> TextStart => "PROXY "u8;

    private static ReadOnlySpan<byte> BinaryStart => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Parses a header at the beginning of <paramref name="data"/>. False: more bytes are needed.</summary>
    /// <exception cref="ProtocolViolationException">Not a PROXY header, or a bad one.</exception>
    public static bool TryParse(in ReadOnlySequence<byte> data, out ProxyHeader header, out SequencePosition end)
    {
        header = default;
        end = data.Start;
        if (data.IsEmpty)
        {
            return false;
        }
        Span<byte> buffer = stackalloc byte[FixedBytes + MaxBinaryBytes];
        int count = (int)Math.Min(buffer.Length, data.Length);
        data.Slice(0, count).CopyTo(buffer);
        ReadOnlySpan<byte> bytes = buffer[..count];
        bool isText = bytes[0] == TextStart[0];
        ReadOnlySpan<byte> start = isText ? TextStart : BinaryStart;
        int known = Math.Min(start.Length, bytes.Length);
        if (!bytes[..known].SequenceEqual(start[..known]))
        {
            throw new ProtocolViolationException("A trusted proxy sent no PROXY protocol header.");
        }
        if (known < start.Length)
        {
            return false;
        }
        int length = isText ? ParseText(bytes, ref header) : ParseBinary(bytes, ref header);
        if (length > 0)
        {
            end = data.GetPosition(length);
        }
        return length > 0;
    }

    private static int ParseText(ReadOnlySpan<byte> bytes, ref ProxyHeader header)
    {
        ReadOnlySpan<byte> window = bytes[..Math.Min(bytes.Length, MaxTextBytes)];
        int end = window.IndexOf((byte)'\n');
        if (end < 0)
        {
            return bytes.Length < MaxTextBytes ? 0 : throw Bad($"no end of line within {MaxTextBytes} bytes");
        }
        if (window[end - 1] != '\r')
        {
            throw Bad("a line that does not end in CRLF");
        }
        ReadOnlySpan<byte> line = window[TextStart.Length..(end - 1)];
        if (!line.SequenceEqual("UNKNOWN"u8) && !line.StartsWith("UNKNOWN "u8))
        {
            // Four parts and the family, one space between each two.
            string[] parts = Encoding.ASCII.GetString(line).Split(' ');
            bool v6 = parts[0] == "TCP6";
            if (parts.Length != 5 || (!v6 && parts[0] != "TCP4"))
            {
                throw Bad("not TCP4, TCP6 or UNKNOWN with two addresses and two ports");
            }
            header = new ProxyHeader(new IPEndPoint(Address(parts[1], v6), Port(parts[3])), new IPEndPoint(Address(parts[2], v6), Port(parts[4])));
        }
        return end + 1;
    }

    private static int ParseBinary(ReadOnlySpan<byte> bytes, ref ProxyHeader header)
    {
        if (bytes.Length > 12 && bytes[12] is not 0x20 and not 0x21)
        {
            throw Bad("a version other than 2, or a command other than LOCAL and PROXY");
        }
        if (bytes.Length > 13 && bytes[13] is not 0x00 and not 0x11 and not 0x21 and not 0x31)
        {
            throw Bad("a family other than TCP over IPv4, TCP over IPv6 and unix stream");
        }
        if (bytes.Length < FixedBytes)
        {
            return 0;
        }
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        bool isProxied = bytes[12] == 0x21;
        int needed = !isProxied ? 0 : bytes[13] switch { 0x11 => 12, 0x21 => 36, 0x31 => 216, _ => 0 };
        if (length > MaxBinaryBytes || length < needed)
        {
            throw Bad($"a length of {length} bytes, where {needed} to {MaxBinaryBytes} are allowed");
        }
        if (bytes.Length < FixedBytes + length)
        {
            return 0;
        }
        ReadOnlySpan<byte> addresses = bytes[FixedBytes..];
        if (needed is 12 or 36)
        {
            int size = needed == 12 ? 4 : 16;
            header = new ProxyHeader(
                new IPEndPoint(new IPAddress(addresses[..size]), BinaryPrimitives.ReadUInt16BigEndian(addresses[(2 * size)..])),
                new IPEndPoint(new IPAddress(addresses.Slice(size, size)), BinaryPrimitives.ReadUInt16BigEndian(addresses[(2 * size + 2)..])));
        }
        return FixedBytes + length;
    }

    // Only the one way to write it: no leading zeros, no hexadecimal, no scope, nothing that another parser would read differently.
    private static IPAddress Address(string text, bool v6)
    {
        bool plain = v6 ? text.Contains(':') && text.All(static letter => char.IsAsciiHexDigit(letter) || letter is ':' or '.') : text.Split('.') is { Length: 4 } quads && quads.All(static quad => IsNumber(quad, byte.MaxValue));
        return plain && IPAddress.TryParse(text, out IPAddress? address) ? address : throw Bad("a bad address");
    }

    private static int Port(string text) => IsNumber(text, ushort.MaxValue) ? int.Parse(text, CultureInfo.InvariantCulture) : throw Bad("a bad port");

    private static bool IsNumber(string text, int max) =>
        text.Length is > 0 and <= 5 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0') && int.Parse(text, CultureInfo.InvariantCulture) <= max;

    private static ProtocolViolationException Bad(string what) => new($"A trusted proxy sent a bad PROXY protocol header: {what}.");
}
