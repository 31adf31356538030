using System.Text;
using CsCheck;
using Resp;

namespace KeyValue.Tests.Codec;

public class RespLookaheadTests
{
    public static TheoryData<string, string> Inputs => new()
    {
        // input, first arguments
        { "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "a" },
        { "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*3\r\n$3\r\nSET\r\n$2\r\nbb\r\n$3\r\nval\r\n*2\r\n$4\r\nINCR\r\n$3\r\nccc\r\n", "a bb ccc" },
        { "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "a" },
        { "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\n", "a" },
        { "*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n", "a" },
        { "*9\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n", "" },
        { "*2\r\n$3\r\nGET\r\n$99999\r\na\r\n", "" },
        { "*2\r\n$3\r\nGET\r\n$9999\r\na\r\n", "" },
        { "*2\r\n$3\r\nGET\r\n$-1\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n", "" },
        { "*\r\n$3\r\nGET\r\n$1\r\na\r\n", "" },
        { "*0\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "a" },
        { "*2x\r\n$3\r\nGET\r\n$1\r\na\r\n", "" },
        { "GET a\r\n", "" },
        { "", "" },
    };

    [Theory]
    [MemberData(nameof(Inputs))]
    public void FirstArguments_OfAnyInput_AreThoseOfThePlainRequestsAtItsStart(string input, string expected)
    {
        int position = 0;

        Assert.Equal(expected, Find(input, ref position, 16));
    }

    [Fact]
    public void FirstArguments_OfMoreRequestsThanAsked_GoOnWhereTheyEnded()
    {
        string input = string.Concat(Enumerable.Range(0, 5).Select(i => $"*2\r\n$3\r\nGET\r\n$1\r\n{i}\r\n"));
        int position = 0;

        Assert.Equal("0 1", Find(input, ref position, 2));
        Assert.Equal("2 3", Find(input, ref position, 2));
        Assert.Equal("4", Find(input, ref position, 2));
        Assert.Equal(input.Length, position);
    }

    [Fact]
    public void FirstArguments_OfNoise_StayInsideTheInput()
    {
        Gen.OneOf([.. ((string[])["*", "$", "1", "2", "9", "\r\n", "\r", "GET", "*2\r\n$3\r\nGET\r\n", "\0"]).Select(Gen.Const)]).Array[0, 40].Sample(pieces =>
        {
            int position = 0;
            string input = string.Concat(pieces);
            _ = Find(input, ref position, 4);
            Assert.InRange(position, 0, input.Length);
        });
    }

    private static string Find(string input, ref int position, int most)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(input);
        Span<Range> found = stackalloc Range[most];
        int count = RespLookahead.FirstArguments(bytes, ref position, found);
        List<string> arguments = [];
        foreach (Range range in found[..count])
        {
            arguments.Add(Encoding.Latin1.GetString(bytes[range]));
        }
        return string.Join(' ', arguments);
    }
}
