using System.Text;
using CsCheck;
using KeyValue.Tests.Support;
using Resp;

namespace KeyValue.Tests.Codec;

public class RespRequestReaderTests
{
    public static TheoryData<string, string> Streams => new()
    {
        // input, requests: arguments in brackets, or ! and the violation
        { "*1\r\n$4\r\nPING\r\n", "[PING]" },
        { "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\n\0b\r\n*1\r\n$1\r\nx\r\n", "[SET||a\r\n\0b][x]" },
        { "PING\r\nGET a\n", "[PING][GET|a]" },
        { "SET k \"a\\x41 \\n\" 'it\\'s'\r\n", "[SET|k|aA \n|it's]" },
        { "\r\n  \r\n*0\r\n*-1\r\n\nPING\r\n", "[PING]" },
        { "$4\r\nPING\r\n", "[$4][PING]" },
        { "*2\r\n$1\r\na\r\n$1\r\nb\r\nPING\r\n*1\r\n$1\r\nc\r\n", "[a|b][PING][c]" },
        { "*01\r\n", "!InvalidCount" },
        { "*+1\r\n", "!InvalidCount" },
        { "*\r\n", "!InvalidCount" },
        { "*1\rX", "!InvalidCount" },
        { "*99999999999999999999\r\n", "!InvalidCount" },
        { "*1048577\r\n", "!InvalidCount" },
        { "*111111111111111111111111111111111", "!CountTooLong" },
        { "*1\r\nPING", "!DollarExpected" },
        { "*1\r\n$-1\r\n", "!InvalidLength" },
        { "*1\r\n$04\r\n", "!InvalidLength" },
        { "*1\r\n$67108865\r\n", "!InvalidLength" },
        { "*1\r\n$1111111111111111111111111111111111", "!LengthTooLong" },
        { "*1\r\n$1\r\nab\r\n", "!PayloadEnd" },
        { "*1\r\n$1\r\na\rx", "!PayloadEnd" },
        { "a\0", "!InlineCharacter" },
        { "a \"b\r\n", "!UnbalancedQuotes" },
        { "a 'b'c\r\n", "!UnbalancedQuotes" },
        { "*2\r\n$1\r\na\r\n$67108864\r\nnot all of it", "" },
        { "*1\n$4\nPING\n", "" },
        { "PING", "" },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void Stream_CutAnywhere_GivesTheSameRequests(string input, string expected)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(input);

        Assert.Equal(expected, Read(bytes, bytes.Length));
        Assert.Equal(expected, Read(bytes, 1));
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            Assert.Equal(expected, Read(bytes, cut, bytes.Length));
        }
    }

    [Theory]
    [InlineData("*-1\r\n")]
    [InlineData("\r\n")]
    [InlineData("*0\r\n")]
    public void NothingToAnswer_AMillionTimes_TakesNoStack(string nothing)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(nothing, 1_000_000)) + "PING\r\n");
        string found = "";
        // A stack that overflows ends the process, and the run with it.
        Thread small = new(() => found = Read(bytes, bytes.Length), maxStackSize: 256 * 1024);
        small.Start();
        small.Join();
        Assert.Equal("[PING]", found);
    }

    [Fact]
    public void RandomRequests_CutAtRandom_ComeBackAsTheyWent()
    {
        Gen<string[]> request = Gen.String[Gen.Char['\0', '\xff'], 0, 40].Array[1, 6];
        Gen.Select(request.Array[1, 8], Gen.Int[1, 50].Array[1, 5]).Sample((requests, cuts) =>
        {
            byte[] bytes = [.. requests.SelectMany(arguments => RawClient.Request(arguments))];
            Assert.Equal(string.Concat(requests.Select(arguments => $"[{string.Join('|', arguments)}]")), Read(bytes, cuts));
        }, iter: 2000);
    }

    [Fact]
    public void RandomOctets_CutAtRandom_GiveTheSameAsWhole()
    {
        byte[] telling = [.. "*$\r\n0123456789 \"'\\-abP"u8];
        Gen<byte> octet = Gen.Frequency((3, Gen.Int[0, telling.Length - 1].Select(index => telling[index])), (1, Gen.Byte));
        Gen.Select(octet.Array[1, 60], Gen.Int[1, 9].Array[1, 5]).Sample((bytes, cuts) => Assert.Equal(Read(bytes, bytes.Length), Read(bytes, cuts)), iter: 20_000);
    }

    [Fact]
    public void LargeArgument_InSmallPieces_IsCopiedInLinearTime()
    {
        byte[] bytes = RawClient.Request("SET", "k", new string('x', 8 * 1024 * 1024));
        RespRequestReader reader = new(new RespLimits(), new RespScratch());
        long before = GC.GetAllocatedBytesForCurrentThread();
        int requests = 0;
        for (int start = 0; start < bytes.Length; start += 100)
        {
            int position = 0;
            requests += reader.Read(bytes.AsSpan(start, Math.Min(100, bytes.Length - start)), ref position, out _) == RespReadResult.Request ? 1 : 0;
        }
        Assert.Equal(1, requests);
        // Doubling: at most twice the payload in buffers before the last one, and that one at most twice the payload.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40 * 1024 * 1024);
    }

    [Fact]
    public void Announcements_WithoutTheirOctets_ReserveNothing()
    {
        RespRequestReader reader = new(new RespLimits { MaxBulkBytes = 512 * 1024 * 1024, MaxRequestBytes = 1024 * 1024 * 1024 }, new RespScratch());
        byte[] bytes = Encoding.Latin1.GetBytes("*1000000\r\n$536870912\r\nx");
        long before = GC.GetAllocatedBytesForCurrentThread();
        int position = 0;
        Assert.Equal(RespReadResult.Incomplete, reader.Read(bytes, ref position, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
        Assert.True(reader.IsInsideRequest);
    }

    [Fact]
    public void Reader_BetweenRequests_HoldsNothing()
    {
        RespRequestReader reader = new(new RespLimits(), new RespScratch());
        foreach (byte octet in RawClient.Request("GET", "key"))
        {
            int position = 0;
            reader.Read([octet], ref position, out _);
        }
        int end = 0;
        reader.Read([], ref end, out _);
        Assert.Equal(0, reader.BufferedBytes);
        Assert.False(reader.IsInsideRequest);
    }

    /// <summary>Reads <paramref name="bytes"/> in pieces, the lengths repeating.</summary>
    private static string Read(byte[] bytes, params int[] pieces)
    {
        RespRequestReader reader = new(new RespLimits(), new RespScratch());
        StringBuilder text = new();
        for (int start = 0, piece = 0; start < bytes.Length; piece++)
        {
            int length = Math.Min(pieces[piece % pieces.Length], bytes.Length - start);
            // A copy, so that whatever is kept too long is garbage.
            byte[] copy = bytes.AsSpan(start, length).ToArray();
            int position = 0;
            RespReadResult result;
            while ((result = reader.Read(copy, ref position, out RespRequest request)) == RespReadResult.Request)
            {
                text.Append('[');
                for (int i = 0; i < request.Count; i++)
                {
                    text.Append(i > 0 ? "|" : "").Append(Encoding.Latin1.GetString(request[i]));
                }
                text.Append(']');
            }
            if (result == RespReadResult.Violation)
            {
                return text.Append('!').Append(reader.Violation).ToString();
            }
            Assert.Equal(length, position);
            copy.AsSpan().Fill(0xEE);
            start += length;
        }
        return text.ToString();
    }
}
