using System.Text;
using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.Content;

public sealed class RawDialogueTests
{
    [Theory]
    [InlineData(@"PING\r\n", "PING\r\n")]
    [InlineData(@"a\tb\0c\\d\x41\{x\}", "a\tb\0c\\dA{x}")]
    [InlineData("{conn}/{seq}", "3/0")]
    [InlineData("grüß 👋", "grüß 👋")]
    [InlineData("{rand:5..5}", "5")]
    public void Template_WithEscapesAndGaps_IsFilled(string template, string message) => Assert.Equal(message, Encoding.UTF8.GetString(Open(template).Ask()));

    [Theory]
    [InlineData("{")]
    [InlineData("{nope}")]
    [InlineData("{rand}")]
    [InlineData("{rand:9..1}")]
    [InlineData("{hex:0}")]
    [InlineData(@"\q")]
    [InlineData(@"\x4")]
    [InlineData("\\")]
    [InlineData("{file:/no/such/file}")]
    public void Template_Malformed_IsRefusedWithAReason(string template)
    {
        var exception = Assert.Throws<FormatException>(() => Template.Parse(template));

        Assert.True(exception.Message.Length > 10);
    }

    [Fact]
    public void Template_RandomGaps_StayInRangeAndVary()
    {
        DialogueDriver driver = Open("{rand:10..19} {hex:40}");

        string[] messages = [.. driver.Ask(200).Select(Encoding.ASCII.GetString)];

        Assert.All(messages, message => Assert.Matches("^1[0-9] [0-9a-f]{40}$", message));
        Assert.Equal(10, messages.Select(message => message[..2]).Distinct().Count());
        Assert.Equal(200, messages.Select(message => message[3..]).Distinct().Count());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public void Literal_WithTheSequence_MatchesOnlyItsRequest(int step)
    {
        DialogueDriver driver = Open("{seq}", ReplyRule.Literal, expected: @"reply {seq}\r\n");
        driver.Ask(3);

        driver.Receive("reply 0\r\nreply 9\r\nreply 2\r\n"u8.ToArray(), step);

        Assert.Equal((2, 1, 0, 0, 0), driver.Verdict);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void Lines_ManyPerReply_AreCounted(int step)
    {
        DialogueDriver driver = Open("x", ReplyRule.Lines, amount: 2);
        driver.Ask(2);

        driver.Receive("a\nb\nc\nd\n"u8.ToArray(), step);

        Assert.Equal((2, 0, 0, 0, 0), driver.Verdict);
    }

    [Fact]
    public void Bytes_OfTheRightNumber_AreAReply()
    {
        DialogueDriver driver = Open("x", ReplyRule.Bytes, amount: 5);
        driver.Ask(2);

        driver.Receive("123451234"u8.ToArray(), 2);

        Assert.Equal((1, 0, 0, 0, 1), driver.Verdict);
    }

    [Fact]
    public void Resp_ErrorsAndGarbage_AreToldApart()
    {
        DialogueDriver driver = Open("x", ReplyRule.Resp);
        driver.Ask(3);

        driver.Receive("+OK\r\n-ERR\r\n"u8.ToArray(), 3);
        driver.Receive("garbage"u8.ToArray());

        Assert.Equal((1, 1, 1), (driver.Good, driver.Errors, driver.Wrong));
    }

    [Fact]
    public void Reply_ThatNobodyAskedFor_IsStray()
    {
        DialogueDriver driver = Open("x", ReplyRule.Lines, amount: 1);

        driver.Receive("hello\n"u8.ToArray());

        Assert.Equal((0, 0, 0, 1, 0), driver.Verdict);
    }

    private static DialogueDriver Open(string template, ReplyRule rule = ReplyRule.Lines, int amount = 1, string? expected = null) =>
        new(new RawSource(Template.Parse(template), rule, expected is null ? null : Template.Parse(expected), amount, 1).Open(3, 8));
}
