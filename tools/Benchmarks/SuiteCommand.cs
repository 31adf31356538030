using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using Benchmarks.Running;

namespace Benchmarks;

/// <summary>One word of the command line: runs one suite, or several in turn, and writes what they found.</summary>
internal sealed class SuiteCommand : Command
{
    private const int QuickRounds = 1;
    private const double QuickSeconds = 1;

    private readonly IReadOnlyList<ISuite> _suites;
    private readonly Option<int> _rounds = new("--rounds") { Description = "Windows per peer and shape; the median counts.", DefaultValueFactory = _ => 15 };
    private readonly Option<double> _seconds = new("--seconds") { Description = "Length of a window.", DefaultValueFactory = _ => 1 };
    private readonly Option<double> _warmUp = new("--warm-up") { Description = "Seconds of load before a server's first window.", DefaultValueFactory = _ => 3 };
    private readonly Option<string[]> _only = new("--only") { Description = "Peers to measure, by name.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private readonly Option<bool> _quick = new("--quick") { Description = "One round of one second: a smoke test, not a measurement." };
    private readonly Option<bool> _pin = new("--pin") { Description = "Server on core 0, client on core 1." };
    private readonly Option<string?> _folder = new("--out") { Description = "Folder for the reports. Default: tools/Benchmarks/results for a full run, none with --only or --quick." };

    public SuiteCommand(string name, string question, IReadOnlyList<ISuite> suites)
        : base(name, question)
    {
        _suites = suites;
        foreach (Option option in (Option[])[_rounds, _seconds, _warmUp, _only, _quick, _pin, _folder])
        {
            Add(option);
        }

        SetAction(RunAsync);
    }

    private SuiteOptions Read(ParseResult parsed)
    {
        bool quick = parsed.GetValue(_quick);
        return new SuiteOptions(
            quick ? QuickRounds : parsed.GetValue(_rounds),
            quick ? QuickSeconds : parsed.GetValue(_seconds),
            quick ? QuickSeconds : parsed.GetValue(_warmUp),
            parsed.GetValue(_only)!,
            parsed.GetValue(_pin),
            quick,
            $"tools/bench {string.Join(' ', parsed.Tokens.Select(token => token.Value))}");
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        SuiteOptions options = Read(parsed);
        string? folder = parsed.GetValue(_folder) ?? (options.IsQuick || options.Only.Count > 0 ? null : SourceTree.At("tools", "Benchmarks", "results"));
        int failures = 0;
        try
        {
            for (int i = 0; i < _suites.Count; i++)
            {
                TimeSpan left = _suites.Skip(i).Aggregate(TimeSpan.Zero, (sum, suite) => sum + suite.Estimate(options));
                string place = _suites.Count > 1 ? $" ({i + 1} of {_suites.Count}, about {Minutes(left)} left)" : "";
                Console.WriteLine($"== {_suites[i].Name}: about {Minutes(_suites[i].Estimate(options))}{place}");
                failures += await RunAsync(_suites[i], options, folder, cancellationToken) ? 0 : 1;
            }

            return failures == 0 ? 0 : 1;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("interrupted: nothing written for this suite");
            return 130;
        }
        finally
        {
            ChildProcess.KillAll();
        }
    }

    // A suite that fails does not take the others with it.
    private static async Task<bool> RunAsync(ISuite suite, SuiteOptions options, string? folder, CancellationToken cancellationToken)
    {
        try
        {
            long started = Stopwatch.GetTimestamp();
            string body = await suite.RunAsync(options, cancellationToken);
            string report = $"# {suite.Question}\n\n{Machine.Describe(options)}\n{body}";
            Console.WriteLine($"== {suite.Name} took {Minutes(Stopwatch.GetElapsedTime(started))}\n");
            Console.WriteLine(report);
            if (folder is not null)
            {
                string path = Path.Combine(Path.GetFullPath(folder), suite.Name + ".md");
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, report, cancellationToken);
                Console.WriteLine($"written to {Path.GetRelativePath(SourceTree.Root, path)}");
            }

            return true;
        }
        catch (Exception failure) when (failure is InvalidOperationException or FormatException or IOException or TimeoutException or Win32Exception or KeyNotFoundException)
        {
            Console.Error.WriteLine($"{suite.Name}: {failure.Message}");
            ChildProcess.KillAll();
            return false;
        }
    }

    private static string Minutes(TimeSpan time) => time < TimeSpan.FromMinutes(1.5) ? $"{time.TotalSeconds:F0} s" : $"{time.TotalMinutes:F0} min";
}
