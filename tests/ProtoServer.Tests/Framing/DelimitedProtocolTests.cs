using System.Buffers;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Framing;

public class DelimitedProtocolTests
{
    public static TheoryData<string, string> Delimiters => new()
    {
        { "\0", "one byte" },
        { "\r\n\r\n", "a delimiter that repeats itself" },
        { "aab", "a delimiter whose beginning repeats" },
        { "--boundary--", "a delimiter longer than the frames" },
    };

    [Theory]
    [MemberData(nameof(Delimiters))]
    public void Frames_HoweverCut_AreDeliveredAlike(string delimiter, string _)
    {
        byte[] end = System.Text.Encoding.Latin1.GetBytes(delimiter);
        FramingVector Frame(string frame) => new([.. System.Text.Encoding.Latin1.GetBytes(frame), .. end], System.Text.Encoding.Latin1.GetBytes(frame));
        byte[] TooLong(string frame) => [.. System.Text.Encoding.Latin1.GetBytes(frame), .. end];

        new FramingVerifier(log => new AnsweringFrames(end, log) { MaxFrameBytes = 8 }).Verify(
            [Frame("one"), Frame(""), Frame("\r\nx"), Frame("a"), Frame("-"), Frame("12345678"), Frame("12345\r\nx"), Frame("--bound"), Frame("123456ax")],
            [TooLong("123456789"), TooLong("12345678\r"), TooLong(new string('x', 50)), TooLong("12345678-")]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frame_DrippedByteByByte_IsScannedOnce(bool segmented)
    {
        const int Length = 20_000;
        IBufferedProtocol protocol = new AnsweringFrames(";"u8, null);
        new MemoryTransport(protocol).Connect();
        byte[] frame = new byte[Length + 1];
        frame[^1] = (byte)';';
        ReadOnlySequence<byte> all = segmented ? TestSequence.Of(frame, 1000) : new ReadOnlySequence<byte>(frame);

        for (int count = 1; count <= frame.Length; count++)
        {
            ReadOnlySequence<byte> offered = all.Slice(0, count);
            SequencePosition consumed = protocol.DataReceived(offered);
            Assert.Equal(count == frame.Length ? count : 0, offered.Slice(0, consumed).Length);

            // Who looks at a byte a second time finds a delimiter there.
            frame[count - 1] = (byte)';';
        }
    }

    [Fact]
    public void Frame_ThatHoldsTheDelimiter_IsNotSent()
    {
        AnsweringFrames frames = new("ab"u8, null);
        MemoryTransport transport = new(frames);
        transport.Connect();

        Assert.Throws<ArgumentException>(() => frames.Send("xaby"u8));
        frames.Send("xa"u8);

        Assert.Equal("xaab"u8, transport.ReadSent());
    }

    [Fact]
    public void SendFrame_OfAnyLength_ArrivesWhole()
    {
        AnsweringFrames frames = new("ab"u8, null);
        MemoryTransport transport = new(frames);
        transport.Connect();

        foreach (int length in (int[])[0, 1023, 1024, 1025, 100_000])
        {
            byte[] frame = new byte[length];
            frames.Send(frame);
            Assert.Equal([.. frame, .. "ab"u8], transport.ReadSent());
        }
    }

    [Fact]
    public void Delimiter_ThatIsEmpty_Throws() => Assert.Throws<ArgumentException>(() => new AnsweringFrames([], null));

    private sealed class AnsweringFrames(ReadOnlySpan<byte> delimiter, DeliveryLog? log) : DelimitedProtocol(delimiter)
    {
        public void Send(ReadOnlySpan<byte> frame) => SendFrame(frame);

        protected override void FrameReceived(ReadOnlySpan<byte> frame)
        {
            log?.Add(frame);
            if (log is not null)
            {
                SendFrame(frame);
            }
        }

        protected override void ProtocolViolated(ProtocolViolationException violation) => Transport.Write("!"u8);
    }
}
