using ProtoServer.LoadTest.Plan;

namespace LoadTest.Tests.Plan;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("250us", 0.25)]
    [InlineData("500ms", 500)]
    [InlineData("2s", 2000)]
    [InlineData("2", 2000)]
    [InlineData("1.5m", 90_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("0s", 0)]
    public void Duration_WithUnit_IsRead(string text, double milliseconds)
    {
        Assert.True(Quantity.TryParseDuration(text, out TimeSpan value));
        Assert.Equal(milliseconds, value.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ms")]
    [InlineData("-1s")]
    [InlineData("5 minutes")]
    [InlineData("1e9h")]
    [InlineData("NaN")]
    [InlineData("1,5s")]
    [InlineData("99999h")]
    public void Duration_Malformed_IsRefused(string text) => Assert.False(Quantity.TryParseDuration(text, out _));

    [Theory]
    [InlineData("64", 64)]
    [InlineData("4k", 4096)]
    [InlineData("1m", 1048576)]
    [InlineData("0.5k", 512)]
    public void Size_WithSuffix_IsInBinarySteps(string text, int bytes)
    {
        Assert.True(Quantity.TryParseSize(text, out int value));
        Assert.Equal(bytes, value);
    }

    [Theory]
    [InlineData("4g")]
    [InlineData("4096m")]
    [InlineData("0.1")]
    [InlineData("k")]
    public void Size_Malformed_IsRefused(string text) => Assert.False(Quantity.TryParseSize(text, out _));

    [Theory]
    [InlineData("1000", 1000)]
    [InlineData("10k", 10_000)]
    [InlineData("1m", 1_000_000)]
    public void Count_WithSuffix_IsInDecimalSteps(string text, long count)
    {
        Assert.True(Quantity.TryParseCount(text, out long value));
        Assert.Equal(count, value);
    }

    [Theory]
    [InlineData("1000", 1000)]
    [InlineData("1k/s", 1000)]
    [InlineData("600/m", 10)]
    [InlineData("0.5/s", 0.5)]
    public void Rate_PerSecondOrMinute_IsPerSecond(string text, double perSecond)
    {
        Assert.True(Quantity.TryParseRate(text, out double value));
        Assert.Equal(perSecond, value);
    }

    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(0.0421, "42.1 µs")]
    [InlineData(0.5, "500 µs")]
    [InlineData(4.994, "4.99 ms")]
    [InlineData(904.2, "904 ms")]
    [InlineData(1000, "1.00 s")]
    public void Duration_Printed_HasItsUnit(double milliseconds, string text) => Assert.Equal(text, Quantity.Duration(milliseconds));
}
