using System.Text;
using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.Content;

public sealed class PayloadTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(42u)]
    [InlineData(0x0A9F00FFu)]
    [InlineData(uint.MaxValue)]
    public void HexDigits_OfANumber_AreThoseOfTheFormatter(uint value)
    {
        ulong digits = HexDigits.Encode(value);

        Assert.Equal(value.ToString("x8"), Encoding.ASCII.GetString(BitConverter.GetBytes(digits)));
        Assert.True(HexDigits.TryDecode(digits, out uint back));
        Assert.Equal(value, back);
    }

    [Theory]
    [InlineData("0000002A")]
    [InlineData("0000002g")]
    [InlineData("0000 02a")]
    [InlineData("/0000000")]
    [InlineData(":0000000")]
    public void HexDigits_OfOtherText_AreRefused(string text) =>
        Assert.False(HexDigits.TryDecode(BitConverter.ToUInt64(Encoding.ASCII.GetBytes(text)), out _));

    [Theory]
    [InlineData(16, 0)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    [InlineData(64, 0)]
    [InlineData(64, 1)]
    [InlineData(333, 2)]
    public void Message_WithAnyOneBitChanged_NoLongerMatches(int size, int ending)
    {
        Payload payload = Fixed(size, (LineEnding)ending);
        byte[] message = Write(payload, size, 7, 42);
        Assert.True(payload.Matches(message, 7, 42));

        for (int bit = 0; bit < size * 8; bit++)
        {
            byte[] damaged = [.. message];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(payload.Matches(damaged, 7, 42), $"bit {bit}");
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    public void Message_OfAnotherRequestOrConnection_DoesNotMatch(int size)
    {
        Payload payload = Fixed(size, LineEnding.Lf);
        byte[] message = Write(payload, size, 7, 42);

        Assert.False(payload.Matches(message, 7, 43));
        Assert.False(payload.Matches(message, 8, 42));
    }

    [Fact]
    public void Message_OfAnotherSeed_DoesNotMatch()
    {
        byte[] message = Write(new Payload(new SizeRange(64, 64), 64, 1, LineEnding.None), 64, 7, 42);

        Assert.False(new Payload(new SizeRange(64, 64), 64, 2, LineEnding.None).Matches(message, 7, 42));
    }

    [Fact]
    public void Message_AsALine_HasOneNewlineAtItsEndAndIsPrintable()
    {
        byte[] message = Write(Fixed(4096, LineEnding.CrLf), 4096, 1, 1);

        Assert.Equal("\r\n"u8.ToArray(), message[^2..]);
        Assert.All(message[..^2], one => Assert.InRange(one, 0x21, 0x7e));
    }

    [Fact]
    public void Message_OfARangeOfSizes_MatchesOneOfAFixedSize()
    {
        // A store may hold values of an earlier run with other sizes.
        byte[] message = Write(Fixed(100, LineEnding.None), 100, 3, 4);

        Assert.True(new Payload(new SizeRange(16, 4096), 4096, 1, LineEnding.None).Matches(message, 3, 4));
    }

    [Fact]
    public void Message_LargerThanAnyKnown_DoesNotMatch() => Assert.False(Fixed(64, LineEnding.None).Matches(new byte[100_000], 1, 1));

    internal static byte[] Write(Payload payload, int size, uint id, uint sequence)
    {
        byte[] message = new byte[size];
        payload.Write(message, id, sequence);
        return message;
    }

    private static Payload Fixed(int size, LineEnding ending) => new(new SizeRange(size, size), size, 1, ending);
}
