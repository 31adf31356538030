using System.Buffers;
using System.Net;
using System.Text;

namespace ProtoServer.Tests;

/// <summary>The PROXY protocol's headers, whole, at each split, and bad.</summary>
public sealed class ProxyHeaderTests
{
    private static readonly byte[] s_signature = "\r\n\r\n\0\r\nQUIT\n"u8.ToArray();

    public static TheoryData<byte[], string?, string?> Good => new()
    {
        { Text("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), "192.0.2.7:56324", "198.51.100.1:443" },
        { Text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535", "255.255.255.255:65535" },
        { Text("PROXY TCP6 2001:db8::1 ::1 1 0\r\n"), "[2001:db8::1]:1", "[::1]:0" },
        { Text("PROXY UNKNOWN\r\n"), null, null },
        { Text("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), null, null },
        { Binary(0x21, 0x11, [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb]), "192.0.2.7:56324", "198.51.100.1:443" },
        { Binary(0x21, 0x11, [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb, 0x04, 0x00, 0x01, 0xff]), "192.0.2.7:56324", "198.51.100.1:443" },
        { Binary(0x21, 0x21, [.. IPAddress.Parse("2001:db8::1").GetAddressBytes(), .. IPAddress.IPv6Loopback.GetAddressBytes(), 0, 1, 0, 2]), "[2001:db8::1]:1", "[::1]:2" },
        { Binary(0x21, 0x31, new byte[216]), null, null },
        { Binary(0x20, 0x00, []), null, null },
        { Binary(0x20, 0x11, [1, 2, 3]), null, null },
        { Binary(0x21, 0x00, [1, 2, 3]), null, null },
    };

    public static TheoryData<byte[]> Bad =>
    [
        Text("GET / HTTP/1.1\r\n\r\n"),
        Text("proxy TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n"),
        Text("PROXY TCP4 192.0.2.7  198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n"),
        Text("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 \r\n"),
        Text("PROXY TCP4 192.0.2.07 198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP4 0xc0.0.2.7 198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP4 3221225991 198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP4 ::1 ::1 56324 443\r\n"),
        Text("PROXY TCP6 192.0.2.7 198.51.100.1 56324 443\r\n"),
        Text("PROXY TCP6 fe80::1%1 ::1 56324 443\r\n"),
        Text("PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n"),
        Text("PROXY TCP4 192.0.2.7 198.51.100.1 056 443\r\n"),
        Text("PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n"),
        Text("PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n"),
        Text("PROXY UNKNOWNN\r\n"),
        Text($"PROXY UNKNOWN {new string('x', 100)}\r\n"),
        Binary(0x11, 0x11, new byte[12]),
        Binary(0x22, 0x11, new byte[12]),
        Binary(0x21, 0x12, new byte[12]),
        Binary(0x21, 0x41, new byte[12]),
        Binary(0x21, 0x11, new byte[11]),
        Binary(0x21, 0x21, new byte[35]),
        Binary(0x21, 0x31, new byte[215]),
        Binary(0x21, 0x11, new byte[4097]),
    ];

    [Theory, MemberData(nameof(Good))]
    public void Header_WholeOrCutAnywhere_IsReadAndLeavesTheRest(byte[] header, string? source, string? destination)
    {
        byte[] data = [.. header, .. "rest"u8];
        for (int cut = 0; cut <= data.Length; cut++)
        {
            bool whole = ProxyHeader.TryParse(new ReadOnlySequence<byte>(data, 0, cut), out ProxyHeader early, out _);
            Assert.Equal(cut >= header.Length, whole);
            Assert.Equal(whole ? source : null, early.Source?.ToString());
            ReadOnlySequence<byte> split = Split(data, cut);
            Assert.True(ProxyHeader.TryParse(split, out ProxyHeader parsed, out SequencePosition end));
            Assert.Equal((source, destination), (parsed.Source?.ToString(), parsed.Destination?.ToString()));
            Assert.Equal("rest", Encoding.ASCII.GetString(split.Slice(end)));
        }
    }

    [Theory, MemberData(nameof(Bad))]
    public void Header_NotAllowed_IsRefusedWhetherWholeOrByteByByte(byte[] bad)
    {
        Assert.Throws<ProtocolViolationException>(() => ProxyHeader.TryParse(new ReadOnlySequence<byte>(bad), out _, out _));
        Assert.Throws<ProtocolViolationException>(() =>
        {
            for (int cut = 0; cut <= bad.Length; cut++)
            {
                Assert.False(ProxyHeader.TryParse(new ReadOnlySequence<byte>(bad, 0, cut), out _, out _));
            }
        });
    }

    [Fact]
    public void Header_FirstByteOfSomethingElse_IsRefusedAtOnce() =>
        Assert.Throws<ProtocolViolationException>(() => ProxyHeader.TryParse(new ReadOnlySequence<byte>("G"u8.ToArray()), out _, out _));

    internal static byte[] Binary(byte command, byte family, byte[] body) => [.. s_signature, command, family, (byte)(body.Length >> 8), (byte)body.Length, .. body];

    private static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);

    private static ReadOnlySequence<byte> Split(byte[] data, int at)
    {
        var head = new Piece(data.AsMemory(0, at), 0);
        var tail = new Piece(data.AsMemory(at), at);
        head.Append(tail);
        return new ReadOnlySequence<byte>(head, 0, tail, data.Length - at);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public void Append(Piece next) => Next = next;
    }
}
