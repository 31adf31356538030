using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.Reporting;

public sealed class ConditionTests
{
    [Theory]
    [InlineData("p99>98ms", true)]
    [InlineData("p99>100ms", false)]
    [InlineData("p99 <= 100ms", true)]
    [InlineData("P50>49999us", true)]
    [InlineData("p99.9<1s", true)]
    [InlineData("raw.p99<50ms", true)]
    [InlineData("max>=100ms", true)]
    [InlineData("min>2ms", false)]
    [InlineData("mean>40ms", true)]
    [InlineData("raw.mean>40ms", false)]
    [InlineData("rate<0.99", false)]
    [InlineData("rate<101%", true)]
    [InlineData("rate<101/s", true)]
    [InlineData("rate>0.1k", false)]
    [InlineData("lost>0", true)]
    [InlineData("lost>0.5%", false)]
    [InlineData("lost=3", true)]
    [InlineData("wrong>0", true)]
    [InlineData("timeouts>2", false)]
    [InlineData("errors>=6", true)]
    [InlineData("refused>0", false)]
    [InlineData("resets>0", true)]
    [InlineData("closed>0", false)]
    [InlineData("notsent>0", false)]
    [InlineData("reconnects>0", false)]
    [InlineData("misses>0", false)]
    public void Condition_AgainstARun_HoldsOrNot(string text, bool holds)
    {
        RunResult result = Samples.Result(total =>
        {
            total.Measured[Counter.Good] = 995;
            total.Measured[Counter.Wrong] = 2;
            total.Measured[Counter.LostTimeout] = 2;
            total.Measured[Counter.LostOvertaken] = 1;
            total.Measured[Counter.Reset] = 1;
            total.Measured[Counter.Sent] = 1000;
            total.Measured[Counter.Miss] = 0;
        });
        // 997 answered in 10 s, of 100/s asked.
        Assert.Equal(holds, Condition.Parse(text).Holds(result, out string actual));
        Assert.NotEmpty(actual);
    }

    [Theory]
    [InlineData("")]
    [InlineData("p99")]
    [InlineData("p99>5")]
    [InlineData("p99>fast")]
    [InlineData("p101>5ms")]
    [InlineData("speed>5")]
    [InlineData("lost>5ms")]
    [InlineData("rate>>5")]
    [InlineData("p99>5ms and lost>0")]
    public void Condition_Malformed_IsRefusedWithAReason(string text)
    {
        var exception = Assert.Throws<FormatException>(() => Condition.Parse(text));

        Assert.Contains(text, exception.Message, StringComparison.Ordinal);
    }
}
