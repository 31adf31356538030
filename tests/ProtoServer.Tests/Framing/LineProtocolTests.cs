using System.Buffers;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Framing;

public class LineProtocolTests
{
    private static readonly FramingVector[] s_vectors =
    [
        new("one\n"u8, "one [Lf]"),
        new("two\r\n"u8, "two [CrLf]"),
        new("\n"u8, " [Lf]"),
        new("\r\n"u8, " [CrLf]"),
        new("a\rb\n"u8, "a\\x0Db [Lf]"),
        new("c\r\r\n"u8, "c\\x0D [CrLf]"),
        new([0, 0xFF, 0x80, (byte)'\n'], "\\x00\\xFF\\x80 [Lf]"),
        new("12345678\n"u8, "12345678 [Lf]"),
    ];

    private static readonly byte[][] s_tooLong =
    [
        "123456789\n"u8.ToArray(),
        "123456789\r\n"u8.ToArray(),
        "12345678\r\r\n"u8.ToArray(),
        "1234567890123456789012345678901234567890"u8.ToArray(),
    ];

    [Fact]
    public void Lines_HoweverCut_AreDeliveredAlike() =>
        new FramingVerifier(log => new AnsweringLines(log) { MaxLineBytes = 8 }) { EofInsideFrame = EofInsideFrame.Delivers, GarbageRounds = 1000 }
            .Verify(s_vectors, s_tooLong);

    [Fact]
    public void LongestLine_WithACrWhoseLfNeverComes_IsTooLong()
    {
        MemoryTransport transport = Connect(new AnsweringLines(null) { MaxLineBytes = 8 });

        transport.Receive("12345678\r"u8);
        Assert.False(transport.IsClosing);
        transport.ReceiveEof();

        Assert.Equal("line longer than 8 bytes\n"u8, transport.ReadSent());
    }

    [Fact]
    public void Lines_ThatRefuseAnUnterminatedTail_ViolateHoweverCut() =>
        new FramingVerifier(log => new StrictLines(log) { MaxLineBytes = 8 }).Verify([.. s_vectors, new("12345678\r\n"u8, "12345678 [CrLf]")], s_tooLong);

    [Fact]
    public void Lines_LongerThanASegment_AreDeliveredAlike()
    {
        byte[] longest = [.. Enumerable.Repeat((byte)'x', 5000), (byte)'\n'];
        byte[] tooLong = [(byte)'x', .. longest];
        new FramingVerifier(log => new AnsweringLines(log) { MaxLineBytes = 5000 }) { EofInsideFrame = EofInsideFrame.Delivers, GarbageRounds = 0 }
            .Verify([new(longest, DeliveryLog.Escape(longest.AsSpan(0, 5000)) + " [Lf]"), new("next\n"u8, "next [Lf]")], [tooLong]);
    }

    [Fact]
    public void Line_OneByteTooLong_IsAnsweredBeforeItsEndArrives()
    {
        MemoryTransport transport = Connect(new AnsweringLines(null) { MaxLineBytes = 8 });

        transport.Receive("12345678"u8);
        Assert.Empty(transport.ReadSent());
        transport.Receive("9"u8);

        Assert.Equal("line longer than 8 bytes\n"u8, transport.ReadSent());
        Assert.True(transport.IsClosing);
        Assert.False(transport.Aborted);
    }

    [Fact]
    public void Line_WithAnLfInside_IsNotSent()
    {
        LinesForTests lines = new((protocol, _) =>
        {
            Assert.Throws<ArgumentException>(() => protocol.Send("two\nlines"u8));
            Assert.Throws<ArgumentException>(() => protocol.Send("two\nlines"));
        });
        MemoryTransport transport = Connect(lines);

        transport.Receive("x\n"u8);

        Assert.Empty(transport.ReadSent());
    }

    [Theory]
    [InlineData(LineTerminator.None, 0, "")]
    [InlineData(LineTerminator.Lf, 0, "\n")]
    [InlineData(LineTerminator.CrLf, 3, "xxx\r\n")]
    [InlineData(LineTerminator.CrLf, 5, "xxxxx\r\n")]
    [InlineData(LineTerminator.None, 1, "x")]
    public void SendLine_WithATerminator_SendsExactlyThat(LineTerminator terminator, int length, string expected)
    {
        string line = new('x', length);
        LinesForTests lines = new((protocol, _) => protocol.Send(line)) { SendTerminator = terminator };
        MemoryTransport transport = Connect(lines);

        transport.Receive("go\n"u8);

        Assert.Equal(expected, System.Text.Encoding.ASCII.GetString(transport.ReadSent()));
    }

    [Fact]
    public void SendLine_OfAnyLength_ArrivesWhole()
    {
        foreach (int length in (int[])[1023, 1024, 1025, 100_000])
        {
            string line = new('x', length);
            MemoryTransport transport = Connect(new LinesForTests((protocol, _) => protocol.Send(line)));

            transport.Receive("go\n"u8);

            Assert.Equal(line + "\n", System.Text.Encoding.ASCII.GetString(transport.ReadSent()));
        }
    }

    [Fact]
    public void SendLine_AboveTheHighWaterMark_IsOneWrite()
    {
        // Two would let PauseWriting, or the hard limit, come between the line and its terminator.
        List<int> written = [];
        LinesForTests lines = new((protocol, _) => protocol.Send(new string('x', 5000)))
        {
            WritingPaused = protocol => written.Add((int)protocol.Transport.WriteBufferSize),
        };
        MemoryTransport transport = Connect(lines);
        transport.SetWriteBufferLimits(100);
        transport.PeerReads = false;

        transport.Receive("go\n"u8);

        Assert.Equal([5001], written);
    }

    [Fact]
    public void SendLine_OfText_IsUtf8()
    {
        MemoryTransport transport = Connect(new LinesForTests((protocol, _) => protocol.Send("größer: €")));

        transport.Receive("go\n"u8);

        Assert.Equal("größer: €\n"u8, transport.ReadSent());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void MaxLineBytes_OutOfRange_Throws(int bytes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinesForTests((_, _) => { }) { MaxLineBytes = bytes });

    [Fact]
    public void MaxLineBytes_LoweredInsideALine_HoldsForTheNext()
    {
        LinesForTests lines = new((protocol, _) => protocol.MaxLineBytes = 2);
        RecordingProtocol recorder = RecordingProtocol.Around(lines);
        MemoryTransport transport = new(recorder);
        transport.Connect();

        transport.Receive("long\nab\nabc\n"u8);

        Assert.Equal(["long", "ab"], lines.Lines);
        Assert.Equal("line longer than 2 bytes", Assert.IsType<ProtocolViolationException>(recorder.LostException).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Line_DrippedByteByByte_IsScannedOnce(bool segmented)
    {
        const int Length = 20_000;
        LinesForTests lines = new((_, _) => { });
        IBufferedProtocol protocol = lines;
        MemoryTransport transport = Connect(lines);
        byte[] line = new byte[Length + 1];
        line[^1] = (byte)'\n';
        ReadOnlySequence<byte> all = segmented ? TestSequence.Of(line, 1000) : new ReadOnlySequence<byte>(line);

        for (int count = 1; count <= line.Length; count++)
        {
            ReadOnlySequence<byte> offered = all.Slice(0, count);
            SequencePosition consumed = protocol.DataReceived(offered);
            Assert.Equal(count == line.Length ? count : 0, offered.Slice(0, consumed).Length);

            // Who looks at a byte a second time finds the end of a line there.
            line[count - 1] = (byte)'\n';
        }

        Assert.Equal(Length, Assert.Single(lines.Lines).Length);
        Assert.False(transport.IsClosing);
    }

    [Fact]
    public void Lines_ReceivedAndAnswered_AllocateNothing()
    {
        CountingLines lines = new();
        IBufferedProtocol protocol = lines;
        MemoryTransport transport = Connect(lines);
        ReadOnlySequence<byte> data = new(Enumerable.Repeat("0123456789012345678901234567890\n"u8.ToArray(), 100).SelectMany(line => line).ToArray());
        for (int round = 0; round < 30; round++)
        {
            protocol.DataReceived(data);
        }

        transport.ReadSent();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 30; round++)
        {
            protocol.DataReceived(data);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(6000, lines.Count);
    }

    private static MemoryTransport Connect(IProtocol protocol)
    {
        MemoryTransport transport = new(protocol);
        transport.Connect();
        return transport;
    }

    private class AnsweringLines(DeliveryLog? log) : LineProtocol
    {
        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            log?.Add($"{DeliveryLog.Escape(line)} [{Terminator}]");
            SendLine(line, Terminator);
        }

        protected override void ProtocolViolated(ProtocolViolationException violation) => SendLine(violation.Message);
    }

    private sealed class StrictLines(DeliveryLog log) : AnsweringLines(log)
    {
        protected override void UnterminatedLineReceived(ReadOnlySpan<byte> line) => Violate("unterminated line");
    }

    private sealed class CountingLines : LineProtocol
    {
        public int Count { get; private set; }

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            Count++;
            SendLine(line);
        }
    }
}
