using System.Net;
using System.Net.Sockets;
using System.Text;
using ProtoServer.SpecVectors;

namespace LineEcho.Tests;

public class LineEchoProcessTests
{
    private const int SigInt = 2;
    private const int SigTerm = 15;

    [Fact]
    public async Task FirstLine_OnceItAccepts_NamesTheRealPort()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");

        Assert.Equal($"listening on 127.0.0.1:{server.EndPoint.Port}", server.FirstLine);
        Assert.NotEqual(0, server.EndPoint.Port);
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);
        await client.SendAsync("hello\n");
        Assert.Equal("hello\n", await client.ReadTextAsync(6));
        Assert.Equal("", server.Errors);
    }

    [Fact]
    public async Task FirstLine_OfAnIPv6Address_HasBrackets()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", "--host", "::1");

        Assert.Equal($"listening on [::1]:{server.EndPoint.Port}", server.FirstLine);
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);
        await client.SendAsync("hello\n");
        Assert.Equal("hello\n", await client.ReadTextAsync(6));
    }

    [Fact]
    public async Task Host_Star_ListensOnBothFamilies()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", "--host", "*");

        foreach (IPAddress address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            using LineClient client = await LineClient.ConnectAsync(new IPEndPoint(address, server.EndPoint.Port));
            await client.SendAsync("hello\n");
            Assert.Equal("hello\n", await client.ReadTextAsync(6));
        }
    }

    [Fact]
    public async Task Help_Asked_NamesEveryOption()
    {
        (int exitCode, string output, string errors) = await SampleProcess.RunAsync("LineEcho", "--help");

        Assert.Equal(0, exitCode);
        Assert.All(["--host", "--port", "--raw", "--max-line", "--max-connections", "--idle-timeout", "--help"], option => Assert.Contains(option, output));
        Assert.Equal("", errors);
    }

    [Theory]
    [InlineData("--nonsense", "'--nonsense'")]
    [InlineData("surplus", "'surplus'")]
    [InlineData("--port", "--port")]
    [InlineData("--port x", "--port must be a number from 0 to 65535, not x.")]
    [InlineData("--port 65536", "--port must be a number from 0 to 65535, not 65536.")]
    [InlineData("--port -1", "--port must be a number from 0 to 65535, not -1.")]
    [InlineData("--max-line 0", "--max-line must be a number from 1 to 1073741824, not 0.")]
    [InlineData("--max-line 99999999999", "--max-line must be a number from 1 to 1073741824, not 99999999999.")]
    [InlineData("--max-connections 0", "--max-connections must be a number from 1")]
    [InlineData("--idle-timeout -1", "--idle-timeout must be a number from 0")]
    [InlineData("--idle-timeout NaN", "--idle-timeout must be a number from 0")]
    [InlineData("--port 0 --host no-such-host.invalid", "no-such-host.invalid")]
    public async Task Options_ThatAreWrong_EndWithAClearMessage(string arguments, string message)
    {
        (int exitCode, string output, string errors) = await SampleProcess.RunAsync("LineEcho", arguments.Split(' '));

        Assert.NotEqual(0, exitCode);
        Assert.Contains(message, errors);
        Assert.DoesNotContain("   at ", errors);
        Assert.Equal("", output);
    }

    [Fact]
    public async Task Port_InUse_IsNamed()
    {
        await using SampleProcess first = await SampleProcess.ListenAsync("LineEcho");

        (int exitCode, _, string errors) = await SampleProcess.RunAsync("LineEcho", "--port", $"{first.EndPoint.Port}");

        Assert.NotEqual(0, exitCode);
        Assert.Contains($"127.0.0.1:{first.EndPoint.Port}", errors);
    }

    [Theory]
    [InlineData(SigTerm)]
    [InlineData(SigInt)]
    public async Task Signal_WithLinesReceived_AnswersAllOfThemAndExitsWithZero(int signal)
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        using LineClient idle = await LineClient.ConnectAsync(server.EndPoint);
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);
        await client.SendAsync("first\n");
        await client.ReadTextAsync(6);
        byte[] lines = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(number => $"line {number}\n")));

        // On loopback the peer's kernel has the bytes when send returns.
        await client.SendAsync(lines);
        server.Signal(signal);

        Assert.Equal(lines, await client.ReadToEndAsync());
        Assert.Empty(await idle.ReadToEndAsync());
        Assert.Equal(0, await server.WaitForExitAsync());
        Assert.Equal("", server.Errors);
    }

    [Fact]
    public async Task Signal_WithoutConnections_ExitsWithZero()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");

        server.Signal(SigTerm);

        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(8_000_000)]
    public async Task Line_TooLongByFar_IsAnsweredWithoutAReset(int length)
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);

        Task<string> answer = client.ReadTextToEndAsync();
        await client.SendAsync(new string('x', length));
        client.HalfClose();

        Assert.Equal("error: line longer than 65536 bytes\n", await answer);
        Assert.Equal("", server.Errors);
    }

    [Fact]
    public async Task Line_TooLong_WhoseSenderReadsLater_IsStillAnswered()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);

        await client.SendAsync(new string('x', 1_000_000));
        await client.SendAsync("and more, on a connection that the server has ended\n");

        Assert.Equal("error: line longer than 65536 bytes\n", await client.ReadTextToEndAsync());
    }

    [Fact]
    public async Task Peer_ThatDoesNotRead_GetsEveryLineWhenItDoes()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);
        byte[] lines = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 2_000_000).Select(number => $"line {number}\n")));

        Task send = client.SendAsync(lines);
        using (LineClient other = await LineClient.ConnectAsync(server.EndPoint))
        {
            // Served while the first one is stuck.
            await other.SendAsync("hello\n");
            await other.ReadTextAsync(6);
        }

        Assert.False(send.IsCompleted);
        Task<byte[]> answer = client.ReadToEndAsync();
        await send;
        client.HalfClose();
        Assert.Equal(lines, await answer);
    }

    [Fact]
    public async Task Raw_OfRandomBytes_ComesBackUnchanged()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", "--raw");
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);
        byte[] bytes = new byte[5_000_000];
        new Random(1).NextBytes(bytes);

        Task<byte[]> answer = client.ReadToEndAsync();
        await client.SendAsync(bytes);
        client.HalfClose();

        Assert.Equal(bytes, await answer);
    }

    [Fact]
    public async Task Connection_BeyondTheCap_IsServedWhenAnotherOneLeaves()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", "--max-connections", "1");
        using LineClient first = await LineClient.ConnectAsync(server.EndPoint);
        await first.SendAsync("one\n");
        await first.ReadTextAsync(4);
        using LineClient second = await LineClient.ConnectAsync(server.EndPoint);
        await second.SendAsync("two\n");

        await first.SendAsync("three\n");
        await first.ReadTextAsync(6);
        Assert.Equal(0, second.Available);
        first.HalfClose();
        await first.ReadToEndAsync();

        Assert.Equal("two\n", await second.ReadTextAsync(4));
    }

    [Fact]
    public async Task Connection_SilentForTheIdleTimeout_IsClosed()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", "--idle-timeout", "0.1");
        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);

        Assert.Equal("", await client.ReadTextToEndAsync());
    }
}
