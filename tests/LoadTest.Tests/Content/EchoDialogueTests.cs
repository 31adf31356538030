using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.Content;

public sealed class EchoDialogueTests
{
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 16, 16, 0 }, { 64, 64, 0 }, { 64, 64, 1 }, { 64, 64, 2 }, { 16, 300, 0 }, { 16, 300, 1 }, { 4096, 4096, 1 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Echo_AtAnySplit_IsAllGood(int min, int max, int ending)
    {
        foreach (int step in (int[])[1, 2, 7, 63, 64, 65, 1000, int.MaxValue])
        {
            DialogueDriver driver = Open(min, max, (LineEnding)ending);
            byte[] replies = [.. driver.Ask(8).SelectMany(request => request)];

            driver.Receive(replies, step);

            Assert.Equal((8, 0, 0, 0, 0), driver.Verdict);
            Assert.Equal(0, driver.Unread);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Echo_WithAnyByteChanged_IsOneWrongReply(int min, int max, int ending)
    {
        int bytes = Open(min, max, (LineEnding)ending).Ask(4).Sum(request => request.Length);
        for (int at = 0; at < bytes; at += max > 300 ? 97 : 1)
        {
            DialogueDriver driver = Open(min, max, (LineEnding)ending);
            byte[] replies = [.. driver.Ask(4).SelectMany(request => request)];
            replies[at] ^= 0x20;

            driver.Receive(replies, at % 3 == 0 ? int.MaxValue : 50);

            Assert.Equal((3, 1, 0, 0, 0), driver.Verdict);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Echo_WithRepliesLeftOut_LosesExactlyThose(int min, int max, int ending)
    {
        DialogueDriver driver = Open(min, max, (LineEnding)ending);
        byte[][] replies = driver.Ask(6);

        driver.Receive([.. replies[0], .. replies[2], .. replies[5]], 10);

        Assert.Equal((3, 0, 3, 0, 0), driver.Verdict);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Echo_WithAReplyTwice_IsStray(int min, int max, int ending)
    {
        DialogueDriver driver = Open(min, max, (LineEnding)ending);
        byte[][] replies = driver.Ask(3);

        driver.Receive(replies[0], replies[0], replies[1], replies[2], replies[1]);

        Assert.Equal((3, 0, 0, 2, 0), driver.Verdict);
    }

    [Fact]
    public void Echo_WithGarbageBetween_FindsTheNextReply()
    {
        DialogueDriver driver = Open(64, 64, LineEnding.Lf);
        byte[][] replies = driver.Ask(4);

        driver.Receive(replies[0], "what is this?\n"u8.ToArray(), replies[1], replies[2], replies[3]);

        Assert.Equal((4, 0, 0, 1, 0), driver.Verdict);
    }

    [Fact]
    public void Echo_WithBytesMissing_LosesOneReplyAndGoesOn()
    {
        DialogueDriver driver = Open(64, 64, LineEnding.None);
        byte[][] replies = driver.Ask(4);

        driver.Receive(replies[0], replies[1][..40], replies[2], replies[3]);

        Assert.Equal((3, 1, 0, 0, 0), driver.Verdict);
    }

    [Fact]
    public void Echo_OfAnotherConnection_IsWrong()
    {
        EchoSource source = Source(64, 64, LineEnding.Lf);
        var mine = new DialogueDriver(source.Open(0, 1));
        var other = new DialogueDriver(source.Open(1, 1));
        mine.Ask();

        mine.Receive(other.Ask());

        Assert.Equal((0, 1, 0, 0, 0), mine.Verdict);
    }

    [Theory]
    [InlineData(1, "\r\n")]
    [InlineData(2, "\n")]
    public void Echo_WithTheOtherLineEnding_IsGood(int ending, string other)
    {
        foreach (int step in (int[])[1, 64, 65, int.MaxValue])
        {
            DialogueDriver driver = Open(64, 64, (LineEnding)ending);
            byte[] replies = [.. driver.Ask(3).SelectMany(request => (byte[])[.. request[..^ending], .. System.Text.Encoding.ASCII.GetBytes(other)])];

            driver.Receive(replies, step);

            Assert.Equal((3, 0, 0, 0, 0), driver.Verdict);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Echo_NotVerified_CountsOnly(int ending)
    {
        var driver = new DialogueDriver(new EchoSource(new SizeRange(64, 64), (LineEnding)ending, verify: false, 1).Open(0, 4));
        byte[] replies = [.. driver.Ask(4).SelectMany(request => request).Select(one => one == '\n' ? one : (byte)'x')];

        driver.Receive(replies, 33);

        Assert.Equal((4, 0, 0, 0, 0), driver.Verdict);
    }

    private static DialogueDriver Open(int min, int max, LineEnding ending) => new(Source(min, max, ending).Open(3, 8));

    private static EchoSource Source(int min, int max, LineEnding ending) => new(new SizeRange(min, max), ending, verify: true, 1);
}
