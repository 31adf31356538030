using System.Diagnostics;
using System.Globalization;
using ProtoServer.SpecVectors;

namespace LineEcho.Tests;

/// <summary>The programs that people have at hand.</summary>
public class InteropTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("abc")]
    [InlineData("one\ntwo\r\n\nlast")]
    public async Task Nc_ThatHalfCloses_GetsItsLinesBack(string lines)
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        using Process nc = Start("nc", "-N", "127.0.0.1", Port(server));

        await nc.StandardInput.WriteAsync(lines);
        nc.StandardInput.Close();

        Assert.Equal(lines, await nc.StandardOutput.ReadToEndAsync().WaitAsync(s_deadline));
        await nc.WaitForExitAsync().WaitAsync(s_deadline);
        Assert.Equal(0, nc.ExitCode);
    }

    [Fact]
    public async Task Nc_WithALineTooLong_ShowsTheError()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", "--max-line", "8");
        using Process nc = Start("nc", "-N", "127.0.0.1", Port(server));

        await nc.StandardInput.WriteAsync("123456789\nnever\n");
        nc.StandardInput.Close();

        Assert.Equal("error: line longer than 8 bytes\n", await nc.StandardOutput.ReadToEndAsync().WaitAsync(s_deadline));
    }

    [Fact]
    public async Task Telnet_WithALine_ShowsItAgain()
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        using Process telnet = Start("telnet", "127.0.0.1", Port(server));

        // Telnet leaves when its input ends, so the input stays open until the answer is there.
        await telnet.StandardInput.WriteAsync("hello telnet\n");
        await telnet.StandardInput.FlushAsync();
        List<string> shown = [];
        while (!shown.Contains("hello telnet"))
        {
            string? line = await telnet.StandardOutput.ReadLineAsync().WaitAsync(s_deadline);
            Assert.False(line is null, $"telnet showed only: {string.Join(" / ", shown)}");
            shown.Add(line);
        }

        telnet.StandardInput.Close();
        await telnet.WaitForExitAsync().WaitAsync(s_deadline);
    }

    private static string Port(SampleProcess server) => server.EndPoint.Port.ToString(CultureInfo.InvariantCulture);

    private static Process Start(string program, params string[] arguments)
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Assert.SkipUnless(folders.Any(folder => File.Exists(Path.Combine(folder, program))), $"{program} is not installed.");
        return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
    }
}
