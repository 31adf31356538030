using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Framing;

public class MessageProtocolTests
{
    [Fact]
    public void Messages_HoweverCut_AreDeliveredAlike() =>
        new FramingVerifier(log => new Numbers(log) { MaxMessageBytes = 6 }) { GarbageRounds = 1000 }.Verify(
            [new("1;"u8, "1"), new("-20;"u8, "-20"), new("12345;"u8, "12345"), new("0;"u8, "0")],
            ["123456;"u8.ToArray(), "x;"u8.ToArray(), ";"u8.ToArray(), "12345678901234567890"u8.ToArray()]);

    [Fact]
    public void Reader_ThatSkipsBeforeAMessage_MayConsumeWithoutOne() =>
        new FramingVerifier(log => new Numbers(log) { MaxMessageBytes = 6 }) { EofInsideFrame = EofInsideFrame.Violates }.Verify(
            [new("1;"u8, "1"), new("2;"u8, "2")],
            ["        x;"u8.ToArray(), "    123456;"u8.ToArray()]);

    [Fact]
    public void Blanks_BeforeAMessage_DoNotCountTowardsItsLimit()
    {
        DeliveryLog? log = null;
        MemoryTransport transport = new(new Numbers(log) { MaxMessageBytes = 6 });
        transport.Connect();

        transport.Receive("            12345;"u8);

        Assert.Equal("12345;"u8, transport.ReadSent());
        Assert.Equal(0, transport.UnconsumedBytes);
    }

    [Fact]
    public void InvalidData_FromAReader_IsAViolationByThePeer()
    {
        RecordingProtocol recorder = RecordingProtocol.Around(new Numbers(null));
        MemoryTransport transport = new(recorder);
        transport.Connect();

        transport.Receive("1;nonsense;"u8);

        Assert.Equal("1;!not a number"u8, transport.ReadSent());
        ProtocolViolationException violation = Assert.IsType<ProtocolViolationException>(recorder.LostException);
        Assert.IsType<InvalidDataException>(violation.InnerException);
    }

    [Fact]
    public void Reader_ThatConsumesNothing_IsReportedAndNotCalledForEver()
    {
        MemoryTransport transport = new(new Stuck());
        transport.Connect();

        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => transport.Receive("x"u8));

        Assert.Contains("consumed", exception.Message);
        Assert.True(transport.Aborted);
    }

    private sealed class NumberCodec : IMessageReader<int>, IMessageWriter<int>
    {
        public bool TryParseMessage(in ReadOnlySequence<byte> input, ref SequencePosition consumed, ref SequencePosition examined, out int message)
        {
            message = 0;
            SequenceReader<byte> reader = new(input);
            reader.AdvancePast((byte)' ');
            consumed = reader.Position;
            if (!reader.TryReadTo(out ReadOnlySequence<byte> digits, (byte)';'))
            {
                return false;
            }

            byte[] text = digits.ToArray();
            if (!Utf8Parser.TryParse(text, out message, out int used) || used != text.Length)
            {
                throw new InvalidDataException("not a number");
            }

            consumed = reader.Position;
            examined = consumed;
            return true;
        }

        public void WriteMessage(int message, IBufferWriter<byte> output)
        {
            Span<byte> span = output.GetSpan(12);
            Utf8Formatter.TryFormat(message, span, out int written);
            span[written] = (byte)';';
            output.Advance(written + 1);
        }
    }

    private sealed class Numbers(DeliveryLog? log) : MessageProtocol<int>(new NumberCodec(), new NumberCodec())
    {
        protected override void MessageReceived(int message)
        {
            log?.Add(message.ToString(CultureInfo.InvariantCulture));
            SendMessage(message);
        }

        protected override void ProtocolViolated(ProtocolViolationException violation) =>
            Transport.Write(System.Text.Encoding.ASCII.GetBytes("!" + violation.Message));
    }

    private sealed class NothingConsumed : IMessageReader<string>, IMessageWriter<string>
    {
        public bool TryParseMessage(in ReadOnlySequence<byte> input, ref SequencePosition consumed, ref SequencePosition examined, [MaybeNullWhen(false)] out string message)
        {
            message = "";
            return true;
        }

        public void WriteMessage(string message, IBufferWriter<byte> output)
        {
        }
    }

    private sealed class Stuck() : MessageProtocol<string>(new NothingConsumed(), new NothingConsumed())
    {
        protected override void MessageReceived(string message)
        {
        }
    }
}
