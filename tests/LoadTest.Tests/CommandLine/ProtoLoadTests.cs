using ProtoServer.LoadTest.CommandLine;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.CommandLine;

[Collection(Alone.Name)]
public sealed class ProtoLoadTests
{
    [Theory]
    [InlineData("echo", "HOST:PORT")]
    [InlineData("echo nowhere", "HOST:PORT: 'nowhere' is not an address")]
    [InlineData("echo :1 -c zero", "-c: 'zero' is not a number")]
    [InlineData("echo :1 -c 0", "-c: '0' is not a number above zero")]
    [InlineData("echo :1 -c 2 -t 3", "--threads")]
    [InlineData("echo :1 -d never", "-d: 'never' is not a time")]
    [InlineData("echo :1 -d 0s", "--duration")]
    [InlineData("echo :1 -r 0", "-r: '0' is not a rate above zero")]
    [InlineData("echo :1 -r 5 --ramp 5@1s", "--ramp")]
    [InlineData("echo :1 -s 15", "--size")]
    [InlineData("echo :1 -s 40m", "--size")]
    [InlineData("echo :1 --framing xml", "xml")]
    [InlineData("echo :1 -n 5 --warmup 1s", "--warmup")]
    [InlineData("echo :1 --percentiles 50,200", "--percentiles")]
    [InlineData("echo :1 --fail-if p99", "p99")]
    [InlineData("echo :1 --find-max p99<5ms -n 5", "--find-max")]
    [InlineData("echo :1 --json /no/such/folder/a.json", "/no/such/folder")]
    [InlineData("echo :1 --nonsense", "--nonsense")]
    [InlineData("kv :1 --ratio 1", "--ratio")]
    [InlineData("kv :1 --ratio 0:0", "--ratio")]
    [InlineData("kv :1 --key-dist normal", "--key-dist")]
    [InlineData("raw :1", "--message")]
    [InlineData("raw :1 -m {x}", "{x}")]
    [InlineData("raw :1 -m x --expect-lines 1 --expect-resp", "--expect")]
    [InlineData("raw :1 -m x --expect {rand:1..2}", "--expect")]
    [InlineData("idle :1 -r 5", "idle")]
    [InlineData("compare a.json", "AFTER")]
    [InlineData("compare /no/a.json /no/b.json", "/no/a.json")]
    [InlineData("--serve chaos", "chaos")]
    [InlineData("", "scenario")]
    public async Task Arguments_ThatMakeNoSense_AreRefusedWithAReason(string line, string reason)
    {
        (int code, string output, string error) = await RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(reason, output + error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_OfAScenario_ExplainsItsOptions()
    {
        (int code, string output, _) = await RunAsync("echo", "--help");

        Assert.Equal(ExitCode.Good, code);
        Assert.All((string[])["--rate", "--connections", "--fail-if", "--html", "--framing"], option => Assert.Contains(option, output, StringComparison.Ordinal));
        Assert.DoesNotContain("--ratio", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Echo_AgainstAGoodServer_ShowsALineASecondAndEndsWell()
    {
        await using ServedBy server = ServedBy.Echo();

        (int code, string output, string error) = await RunAsync("echo", server.Address, "-r", "50", "-d", "2s", "--warmup", "1s", "-c", "5");

        Assert.Equal("", error);
        Assert.True(code is ExitCode.Good or ExitCode.Saturated, output);
        Assert.Contains("5 of 5 connections open", output, StringComparison.Ordinal);
        Assert.Matches(@"1\.0 s +50/s  warm-up", output);
        Assert.Matches(@"2\.0 s +50/s  p50", output);
        Assert.Contains("100 sent, 100 answered, 0 wrong, 0 lost", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conditions_OneOfThemBroken_AreReportedAndEverythingIsWritten()
    {
        await using ServedBy server = ServedBy.Echo();
        string folder = Directory.CreateTempSubdirectory("proto-load-").FullName;
        try
        {
            (int code, string output, _) = await RunAsync("echo", server.Address, "-n", "500", "-q", "--fail-if", "p50>0us", "--fail-if", "lost>0",
                "--json", $"{folder}/a.json", "--csv", $"{folder}/a.csv", "--html", $"{folder}/a.html", "--hgrm", $"{folder}/a.hgrm");

            // A machine that took the processor from the generator makes the run not valid, and that is told first.
            RunReport report = JsonReport.Read($"{folder}/a.json");
            Assert.Equal(report.Valid ? ExitCode.ThresholdBroken : ExitCode.Saturated, code);
            Assert.Matches(@"FAILED +p50>0us: [0-9.]+ (µs|ms)", output);
            Assert.Matches("Passed +lost>0: 0", output);
            Assert.Equal(["a.csv", "a.hgrm", "a.html", "a.json", "a.raw.hgrm"], Directory.GetFiles(folder).Select(Path.GetFileName).Order());
            Assert.All(Directory.GetFiles(folder), file => Assert.True(new FileInfo(file).Length > 100, file));
            Assert.True(report.Thresholds[0].Broken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Server_ThatIsNotThere_EndsWith2()
    {
        string address;
        await using (ServedBy server = ServedBy.Echo())
        {
            address = server.Address;
        }

        (int code, _, string error) = await RunAsync("echo", address, "-q", "-c", "3");

        Assert.Equal(ExitCode.CouldNotConnect, code);
        Assert.Contains("refused", error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Interrupt_DuringARun_WritesTheReportAndEndsWith130()
    {
        await using ServedBy server = ServedBy.Echo();
        using var interrupt = new CancellationTokenSource(TimeSpan.FromSeconds(1));

        (int code, string output, _) = await RunAsync(["echo", server.Address, "-r", "100", "-q"], interrupt.Token);

        Assert.Equal(ExitCode.Interrupted, code);
        Assert.Contains("INTERRUPTED", output, StringComparison.Ordinal);
        Assert.Contains("answered", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kv_AgainstAStore_IsAllGood()
    {
        await using var server = new ServedBy(() => new TinyStore());

        (int code, string output, _) = await RunAsync("kv", server.Address, "-n", "3000", "-P", "4", "-s", "16..500", "--keys", "50", "--key-dist", "zipf:1.0", "-q");

        Assert.True(code is ExitCode.Good or ExitCode.Saturated, output);
        Assert.Contains("3,000 sent, 3,000 answered, 0 wrong, 0 lost", output, StringComparison.Ordinal);
        Assert.Contains("Errors       none", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Churn_ByDefault_OpensAConnectionForEachRequest()
    {
        await using ServedBy server = ServedBy.Echo();

        (_, string output, _) = await RunAsync("churn", server.Address, "-n", "100", "-c", "4", "-q");

        Assert.Contains("100 sent, 100 answered", output, StringComparison.Ordinal);
        Assert.Matches("Connections  10[0-4] made", output);
    }

    [Fact]
    public async Task FindMax_WithAGoalThatNothingMeets_EndsWith99()
    {
        await using ServedBy server = ServedBy.Echo();

        (int code, string output, _) = await RunAsync("echo", server.Address, "--find-max", "p50<1us", "-r", "8", "-d", "0.3s", "--warmup", "0s");

        Assert.Equal(ExitCode.ThresholdBroken, code);
        Assert.Contains("No rate reached the goal.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compare_WithAWorseReport_EndsWith99()
    {
        string before = Path.GetTempFileName();
        string after = Path.GetTempFileName();
        try
        {
            RunReport report = Reporting.Samples.Result().Report;
            File.WriteAllText(before, JsonReport.Write(report));
            File.WriteAllText(after, JsonReport.Write(report with { AchievedPerSecond = report.AchievedPerSecond / 2 }));

            (int worse, string output, _) = await RunAsync("compare", before, after);
            (int same, _, _) = await RunAsync("compare", before, before);
            (int allowed, _, _) = await RunAsync("compare", before, after, "--tolerance", "60%");

            Assert.Equal((ExitCode.ThresholdBroken, ExitCode.Good, ExitCode.Good), (worse, same, allowed));
            Assert.Matches(@"rate +100/s +50/s +-50\.0%  WORSE", output);
        }
        finally
        {
            File.Delete(before);
            File.Delete(after);
        }
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => RunAsync(arguments, default);

    private static async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments, CancellationToken interrupt)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int code = await ProtoLoadCommand.InvokeAsync(arguments, output, error, interrupt).Within();
        return (code, output.ToString(), error.ToString());
    }
}
