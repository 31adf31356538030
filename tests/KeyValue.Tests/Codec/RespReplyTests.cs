using System.Buffers;
using System.Text;
using Resp;

namespace KeyValue.Tests.Codec;

public class RespReplyTests
{
    [Theory]
    [InlineData("+OK\r\n")]
    [InlineData("-ERR no\r\n")]
    [InlineData(":-12\r\n")]
    [InlineData("$3\r\na\r\n\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("_\r\n")]
    [InlineData("*2\r\n*1\r\n:1\r\n$0\r\n\r\n")]
    [InlineData("%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n")]
    [InlineData("~1\r\n#t\r\n")]
    [InlineData(">2\r\n+x\r\n,1.5\r\n")]
    [InlineData("=7\r\ntxt:abc\r\n")]
    [InlineData("|1\r\n+k\r\n:1\r\n+value\r\n")]
    public void Reply_OctetByOctet_IsWholeAtItsLastOctet(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text + "+next\r\n");
        RespReplyReader reader = new();
        for (int length = 0; length < text.Length; length++)
        {
            Assert.False(reader.TryRead(bytes.AsSpan(0, length), out _));
        }
        Assert.True(reader.TryRead(bytes, out RespReply reply));
        Assert.Equal(text, Encoding.Latin1.GetString(reply.Bytes));
    }

    [Theory]
    [InlineData("x\r\n")]
    [InlineData("$a\r\n")]
    [InlineData("*99999999999\r\n")]
    public void Reply_ThatIsNone_Throws(string text) =>
        Assert.Throws<InvalidDataException>(() => new RespReplyReader().TryRead(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void Writer_BothVersions_WritesEachKind()
    {
        Assert.Equal(
            "+OK\r\n:7\r\n:-100\r\n$2\r\nab\r\n$2\r\n42\r\n$-1\r\n*-1\r\n*4\r\n*3\r\n-ERR a  b\r\n$1\r\nt\r\n",
            Write(2));
        Assert.Equal(
            "+OK\r\n:7\r\n:-100\r\n$2\r\nab\r\n$2\r\n42\r\n_\r\n_\r\n%2\r\n~3\r\n-ERR a  b\r\n=5\r\ntxt:t\r\n",
            Write(3));
    }

    [Fact]
    public void Writer_LargePayload_ArrivesWhole()
    {
        ArrayBufferWriter<byte> output = new();
        byte[] payload = new byte[100_000];
        Random.Shared.NextBytes(payload);
        RespWriter writer = new(output, 2);
        writer.Bulk(payload);
        writer.Flush();
        Assert.True(new RespReplyReader().TryRead(output.WrittenSpan, out RespReply reply));
        Assert.True(reply.Payload.SequenceEqual(payload));
    }

    private static string Write(int version)
    {
        ArrayBufferWriter<byte> output = new();
        RespWriter writer = new(output, version);
        writer.Ok();
        writer.Number(7);
        writer.Number(-100);
        writer.Bulk("ab"u8);
        writer.BulkInteger(42);
        writer.Null();
        writer.NullArray();
        writer.Map(2);
        writer.Set(3);
        writer.Error("ERR a\r\nb"u8);
        writer.Text("t"u8);
        writer.Flush();
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
