using System.Globalization;
using System.Text.Json;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.Reporting;

public sealed class ReportTests
{
    [Fact]
    public void Json_ReadAgain_IsTheSameReport()
    {
        RunReport report = Samples.Result(total => total.Measured[Counter.Wrong] = 7).Report;
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, JsonReport.Write(report));

            Assert.Equal(JsonReport.Write(report), JsonReport.Write(JsonReport.Read(path)));
            Assert.Equal(7, JsonReport.Read(path).Counts.Wrong);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Json_ForOtherProgrammes_NamesUnits()
    {
        using JsonDocument json = JsonDocument.Parse(JsonReport.Write(Samples.Result().Report));
        JsonElement root = json.RootElement;

        Assert.Equal(100, root.GetProperty("achievedPerSecond").GetDouble());
        Assert.Equal(99, root.GetProperty("corrected").GetProperty("percentilesMs").GetProperty("p99").GetDouble(), 0.1);
        Assert.Equal(100, root.GetProperty("corrected").GetProperty("maxMs").GetDouble(), 0.1);
        Assert.True(root.GetProperty("valid").GetBoolean());
        Assert.Equal(12, root.GetProperty("intervals").GetArrayLength());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("[1]")]
    public void Json_OfSomethingElse_IsRefused(string text)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);

            Assert.Throws<InvalidDataException>(() => JsonReport.Read(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Csv_EachRow_HasTheHeadersColumns()
    {
        string[] lines = CsvReport.Write(Samples.Result().Report).TrimEnd('\n').Split('\n');

        Assert.Equal(13, lines.Length);
        Assert.All(lines, line => Assert.Equal(17, line.Split(',').Length));
        Assert.All(lines[1..].SelectMany(line => line.Split(',')), cell => double.Parse(cell, CultureInfo.InvariantCulture));
        Assert.StartsWith("-2,1,1,100,100,", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Hgrm_InHdrHistogramsForm_IsInMilliseconds()
    {
        string[] lines = HgrmReport.Write(Samples.Result().Corrected).Split('\n');

        Assert.Contains("Percentile", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.TrimStart().StartsWith("50.", StringComparison.Ordinal) && line.Contains("0.50000", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("#[Max", StringComparison.Ordinal));
        Assert.Equal("/tmp/run.raw.hgrm", HgrmReport.RawPath("/tmp/run.hgrm"));
    }

    [Fact]
    public void Text_OfAGoodRun_SaysRateAndBothLatencies()
    {
        string text = TextReport.Write(Samples.Result().Report);

        Assert.Contains("100/s achieved of 100/s asked (100.0%) over 10.00 s", text, StringComparison.Ordinal);
        Assert.Contains("1,000 sent, 1,000 answered, 0 wrong, 0 lost", text, StringComparison.Ordinal);
        Assert.Matches(@"p99 +99\.\d ms +49\.\d ms", text);
        Assert.Contains("Errors       none", text, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT VALID", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_OfABadRun_NamesEveryKindOfError()
    {
        Counter[] kinds =
        [
            Counter.ConnectRefused, Counter.ConnectTimeout, Counter.ConnectFailed, Counter.Reset, Counter.UnexpectedClose, Counter.ShortReply, Counter.Wrong, Counter.Stray,
            Counter.ErrorReply, Counter.LostTimeout, Counter.LostOvertaken, Counter.LostWithConnection, Counter.LostAtEnd,
        ];
        RunReport report = Samples.Result(total =>
        {
            for (int i = 0; i < kinds.Length; i++)
            {
                total.Measured[kinds[i]] = 101 + i;
            }
        }).Report;

        string text = TextReport.Write(report);

        Assert.All(Enumerable.Range(101, kinds.Length), count => Assert.Contains($"{count} ", text, StringComparison.Ordinal));
        Assert.Equal(Enumerable.Range(101, kinds.Length).Sum(), report.Counts.Errors);
    }

    [Fact]
    public void Comparison_OfTheSameRun_IsNotWorse()
    {
        RunReport report = Samples.Result().Report;

        Assert.False(new Comparison(report, report, 0).IsWorse);
    }

    [Fact]
    public void Comparison_WithinTolerance_IsNotWorse()
    {
        RunReport before = Samples.Result().Report;
        RunReport after = before with { AchievedPerSecond = before.AchievedPerSecond * 0.92 };

        Assert.False(new Comparison(before, after, 0.1).IsWorse);
        Assert.True(new Comparison(before, after, 0.05).IsWorse);
        Assert.False(new Comparison(after, before, 0.05).IsWorse);
    }

    [Fact]
    public void Comparison_WithSlowerPercentile_IsWorse()
    {
        RunReport before = Samples.Result().Report;
        RunReport after = Samples.Result(total => Latencies.Record(total.Corrected, 500_000_000, 20)).Report;

        var comparison = new Comparison(before, after, 0.1);

        Assert.True(comparison.IsWorse);
        Assert.Matches(@"p99 .*WORSE", comparison.Write());
        Assert.DoesNotMatch(@"p50 .*WORSE", comparison.Write());
    }

    [Fact]
    public void Comparison_WithNewErrors_IsWorse()
    {
        RunReport before = Samples.Result().Report;
        RunReport after = Samples.Result(total => total.Measured[Counter.Wrong] = 1).Report;

        Assert.True(new Comparison(before, after, 0.1).IsWorse);
    }

    [Fact]
    public void Comparison_OfDifferentSettings_SaysSo()
    {
        RunReport before = Samples.Result().Report;
        RunReport after = Samples.Result(plan: Samples.Plan() with { Connections = 99 }).Report;

        Assert.Contains("different settings", new Comparison(before, after, 0.1).Write(), StringComparison.Ordinal);
    }
}
