using System.Text;
using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.Content;

public sealed class RespReplyTests
{
    [Theory]
    [InlineData("+OK\r\n")]
    [InlineData("-ERR no\r\n")]
    [InlineData(":42\r\n")]
    [InlineData("$5\r\nhello\r\n")]
    [InlineData("$0\r\n\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("$4\r\n\r\n\r\n\r\n")]
    [InlineData("_\r\n")]
    [InlineData("#t\r\n")]
    [InlineData(",1.5\r\n")]
    [InlineData("*0\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*2\r\n+a\r\n*2\r\n:1\r\n$1\r\nx\r\n")]
    [InlineData("%1\r\n+k\r\n+v\r\n")]
    [InlineData("~2\r\n:1\r\n:2\r\n")]
    [InlineData("|1\r\n+ttl\r\n:3\r\n+value\r\n")]
    [InlineData("=7\r\ntxt:abc\r\n")]
    public void Reply_AtEveryCut_IsIncompleteUntilItIsWhole(string text)
    {
        byte[] whole = Encoding.ASCII.GetBytes(text + "+next\r\n");
        int length = text.Length;

        for (int cut = 1; cut < length; cut++)
        {
            Assert.Equal(0, RespReply.Measure(whole.AsSpan(0, cut)));
        }
        Assert.Equal(length, RespReply.Measure(whole.AsSpan(0, length)));
        Assert.Equal(length, RespReply.Measure(whole));
    }

    [Theory]
    [InlineData("hello\r\n")]
    [InlineData("\r\n")]
    [InlineData("$x\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$99999999999999\r\n")]
    [InlineData("$3\r\nabcde\r\n")]
    [InlineData("*1\r\nnope\r\n")]
    [InlineData("?")]
    public void Reply_Malformed_IsNoResp(string text) => Assert.Equal(-1, RespReply.Measure(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Reply_LineWithoutEnd_IsNoRespAtSomePoint() =>
        Assert.Equal(-1, RespReply.Measure(Encoding.ASCII.GetBytes("+" + new string('x', 100_000))));
}
