namespace ProtoServer.Tests;

public class SmokeTests
{
    [Fact]
    public void Nothing_Yet() => Assert.True(true);
}
