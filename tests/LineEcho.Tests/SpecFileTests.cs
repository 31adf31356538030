using ProtoServer.SpecVectors;

namespace LineEcho.Tests;

public class SpecFileTests
{
    [Theory]
    [InlineData("\"ab\"", "6162")]
    [InlineData("\"\\r\\n\\t\\\"\\\\\\x00\\xfF\"", "0D0A09225C00FF")]
    [InlineData("\"a\" * 3 \"b\"  \"cd\"*2", "616161626364 6364")]
    public void Data_WithEscapesAndRepeats_IsItsOctets(string text, string hex) =>
        Assert.Equal(Convert.FromHexString(hex.Replace(" ", "")), SpecFile.ParseData(text));

    [Theory]
    [InlineData("send ab")]
    [InlineData("send \"ab")]
    [InlineData("send \"\\q\"")]
    [InlineData("send \"\\x1\"")]
    [InlineData("send \"ä\"")]
    [InlineData("send \"a\" * x")]
    [InlineData("send")]
    [InlineData("close")]
    public void Step_ThatIsMalformed_NamesItsLine(string step) =>
        Assert.StartsWith("Line 3:", Assert.Throws<FormatException>(() => SpecFile.Parse(["text", "```vector Sample name", step, "```"])).Message);

    [Fact]
    public void Vectors_OfAPage_HaveTheirStepsAndArguments()
    {
        SpecVector vector = Assert.Single(SpecFile.Parse(["# Page", "```vector Sample name", "args --max-line 8", "# why", "send \"a\"", "expect \"b\"", "half-close", "expect-close", "```"]));

        Assert.Equal(("Sample", "name"), (vector.Sample, vector.Name));
        Assert.Equal(["--max-line", "8"], vector.Arguments);
        Assert.Equal([SpecAction.Send, SpecAction.Expect, SpecAction.HalfClose, SpecAction.ExpectClose], vector.Steps.Select(step => step.Action));
    }

    [Fact]
    public void Vector_WithoutAnEnd_IsRefused() => Assert.Throws<FormatException>(() => SpecFile.Parse(["```vector Sample name", "half-close"]));
}
