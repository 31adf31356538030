namespace Benchmarks.Suites;

/// <summary>Sentences that several reports need.</summary>
internal static class ReportText
{
    /// <summary>How to read a table of servers.</summary>
    public static string Servers(string unit) =>
        $"CPU is user + system time of the server process per {unit}, the median over the rounds. {Ratios("the reference")}";

    /// <summary>What a ratio is.</summary>
    public static string Ratios(string reference) =>
        $"A ratio is the median over the rounds of (this / {reference}, both of the same round); the middle half of the rounds lies in the range behind it.\n";
}
