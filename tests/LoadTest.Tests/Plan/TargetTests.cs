using ProtoServer.LoadTest.Plan;

namespace LoadTest.Tests.Plan;

public sealed class TargetTests
{
    [Theory]
    [InlineData("127.0.0.1:7000", "127.0.0.1", 7000, null)]
    [InlineData("example.test:1", "example.test", 1, null)]
    [InlineData(":7000", "127.0.0.1", 7000, null)]
    [InlineData("[::1]:7000", "::1", 7000, null)]
    [InlineData("unix:/tmp/a:b.sock", null, 0, "/tmp/a:b.sock")]
    public void Target_WellFormed_IsRead(string text, string? host, int port, string? path)
    {
        Assert.True(Target.TryParse(text, out Target? target));
        Assert.Equal(new Target(host, port, path), target);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData("localhost:")]
    [InlineData("localhost:port")]
    [InlineData("localhost:65536")]
    [InlineData("localhost:-1")]
    [InlineData("::1:7000")]
    [InlineData("unix:")]
    public void Target_Malformed_IsRefused(string text) => Assert.False(Target.TryParse(text, out _));

    [Theory]
    [InlineData("127.0.0.1:7000")]
    [InlineData("[::1]:7000")]
    [InlineData("unix:/tmp/s")]
    public void Target_Printed_CanBeReadAgain(string text)
    {
        Assert.True(Target.TryParse(text, out Target? target));
        Assert.Equal(text, target!.ToString());
    }
}
