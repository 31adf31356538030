using System.Globalization;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Framing;

public class LengthPrefixedProtocolTests
{
    public static TheoryData<LengthPrefix, string, string> Prefixes => new()
    {
        { LengthPrefix.OneByte, "03", "09" },
        { LengthPrefix.TwoBytesBigEndian, "0003", "0009 FFFF 8000" },
        { LengthPrefix.TwoBytesLittleEndian, "0300", "0900 FFFF 0080" },
        { LengthPrefix.FourBytesBigEndian, "00000003", "00000009 FFFFFFFF 80000003" },
        { LengthPrefix.FourBytesLittleEndian, "03000000", "09000000 FFFFFFFF 03000080" },
        { LengthPrefix.EightBytesBigEndian, "0000000000000003", "0000000000000009 FFFFFFFFFFFFFFFF 0000000100000003" },
        { LengthPrefix.EightBytesLittleEndian, "0300000000000000", "0900000000000000 FFFFFFFFFFFFFFFF 0300000001000000" },
        { LengthPrefix.Varint, "03", "09 8901 FFFFFFFFFFFFFFFFFF01 808080808080808080807F 80808080808080808002" },
    };

    [Theory]
    [MemberData(nameof(Prefixes))]
    public void Frames_HoweverCut_AreDeliveredAlike(LengthPrefix prefix, string three, string tooLong)
    {
        FramingVector Frame(string frame) => new(Sent(prefix, frame), System.Text.Encoding.Latin1.GetBytes(frame));
        Assert.Equal([.. Convert.FromHexString(three), .. "abc"u8], Sent(prefix, "abc"));

        new FramingVerifier(log => new AnsweringFrames(prefix, log) { MaxFrameBytes = 8 }).Verify(
            [Frame("abc"), Frame(""), Frame("\0\0"), Frame("12345678"), Frame("\u0003abc")],
            [.. tooLong.Split(' ').Select(Convert.FromHexString)]);
    }

    [Theory]
    [InlineData("00", 0)]
    [InlineData("8000", 0)]
    [InlineData("8300", 3)]
    [InlineData("83808080808080808000", 3)]
    public void Varint_LongerThanNeeded_IsAccepted(string prefix, int length)
    {
        byte[] wire = [.. Convert.FromHexString(prefix), .. new byte[length]];

        new FramingVerifier(log => new AnsweringFrames(LengthPrefix.Varint, log) { MaxFrameBytes = 8 }).Verify([new(wire, new byte[length])]);
    }

    [Theory]
    [InlineData(LengthPrefix.OneByte, 255, "FF")]
    [InlineData(LengthPrefix.TwoBytesBigEndian, 65535, "FFFF")]
    [InlineData(LengthPrefix.TwoBytesLittleEndian, 1025, "0104")]
    [InlineData(LengthPrefix.FourBytesBigEndian, 70000, "00011170")]
    [InlineData(LengthPrefix.Varint, 127, "7F")]
    [InlineData(LengthPrefix.Varint, 128, "8001")]
    [InlineData(LengthPrefix.Varint, 16384, "808001")]
    public void SendFrame_OfThisLength_WritesThisPrefix(LengthPrefix prefix, int length, string expected) =>
        Assert.Equal([.. Convert.FromHexString(expected), .. new byte[length]], Sent(prefix, new string('\0', length)));

    [Theory]
    [InlineData(LengthPrefix.OneByte, 256)]
    [InlineData(LengthPrefix.TwoBytesBigEndian, 65536)]
    [InlineData(LengthPrefix.TwoBytesLittleEndian, 65536)]
    public void SendFrame_TooLongForThePrefix_Throws(LengthPrefix prefix, int length)
    {
        AnsweringFrames frames = new(prefix, null);
        MemoryTransport transport = new(frames);
        transport.Connect();

        ArgumentException exception = Assert.Throws<ArgumentException>(() => frames.Send(new byte[length]));

        Assert.Contains(length.ToString(CultureInfo.InvariantCulture), exception.Message);
        Assert.Empty(transport.ReadSent());
    }

    [Fact]
    public void Length_AboveTheLimit_IsRefusedBeforeTheFrameArrives()
    {
        MemoryTransport transport = new(new AnsweringFrames(LengthPrefix.FourBytesBigEndian, null));
        transport.Connect();

        transport.Receive([0, 1, 0, 1]);

        Assert.Equal("frame longer than 65536 bytes"u8, transport.ReadSent());
        Assert.True(transport.IsClosing);
    }

    [Fact]
    public void Prefix_Undefined_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => new AnsweringFrames((LengthPrefix)99, null));

    private static byte[] Sent(LengthPrefix prefix, string frame)
    {
        AnsweringFrames frames = new(prefix, null);
        MemoryTransport transport = new(frames);
        transport.Connect();
        frames.Send(System.Text.Encoding.Latin1.GetBytes(frame));
        return transport.ReadSent();
    }

    private sealed class AnsweringFrames(LengthPrefix prefix, DeliveryLog? log) : LengthPrefixedProtocol(prefix)
    {
        public void Send(ReadOnlySpan<byte> frame) => SendFrame(frame);

        protected override void FrameReceived(ReadOnlySpan<byte> frame)
        {
            log?.Add(frame);
            SendFrame(frame);
        }

        protected override void ProtocolViolated(ProtocolViolationException violation) =>
            Transport.Write(System.Text.Encoding.ASCII.GetBytes(violation.Message));
    }
}
