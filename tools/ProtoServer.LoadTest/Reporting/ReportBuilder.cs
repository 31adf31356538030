using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using HdrHistogram;
using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>Turns what a run measured into its report.</summary>
internal static class ReportBuilder
{
    public static readonly IReadOnlyList<double> DefaultPercentiles = [50, 90, 99, 99.9, 99.99];

    public static RunResult Build(LoadPlan plan, RunOutcome outcome, string command, IReadOnlyList<double> percentiles)
    {
        Sample total = outcome.Total;
        double elapsed = outcome.Elapsed.TotalSeconds;
        long answered = total.Measured.Answered;
        IReadOnlyList<string> reasons = SaturationGuard.Judge(plan, outcome);
        var report = new RunReport
        {
            Tool = "proto-load " + (Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0"),
            StartedAt = outcome.StartedAt,
            Command = command,
            Machine = new MachineReport(RuntimeInformation.OSDescription, RuntimeInformation.ProcessArchitecture.ToString(),
                Environment.ProcessorCount, RuntimeInformation.FrameworkDescription),
            Settings = Describe(plan),
            Valid = reasons.Count == 0,
            InvalidBecause = reasons,
            Interrupted = outcome.Interrupted,
            ElapsedSeconds = Math.Round(elapsed, 6),
            AskedPerSecond = Asked(plan),
            AchievedPerSecond = elapsed > 0 ? Math.Round(answered / elapsed, 2) : 0,
            Counts = CountsReport.Of(total.Measured),
            WarmupCounts = CountsReport.Of(total.Warmup),
            Corrected = Summarise(total.Corrected, percentiles),
            Raw = Summarise(total.Raw, percentiles),
            Connect = Summarise(total.Connect, percentiles),
            Generator = new GeneratorReport
            {
                Lag = Summarise(total.Lag, DefaultPercentiles),
                LateShare = Math.Round(SaturationGuard.LateShareOf(total.Measured), 6),
                BusiestLoop = Math.Round(outcome.Busiest, 4),
                CpuSeconds = Math.Round(outcome.MeasuredCpu / 1e9, 4),
                ProcessCpuSeconds = Math.Round(outcome.MeasuredProcessCpu / 1e9, 4),
                CpuMicrosecondsPerReply = answered > 0 ? Math.Round(outcome.MeasuredCpu / 1e3 / answered, 4) : 0,
            },
            Intervals = outcome.Intervals,
        };
        return new RunResult(report, total.Corrected, total.Raw);
    }

    private static double? Asked(LoadPlan plan)
    {
        if (!plan.IsOpenLoop)
        {
            return null;
        }
        if (plan.Rate is { } rate)
        {
            return rate;
        }
        RateSchedule schedule = plan.Schedule();
        double warmup = plan.Warmup.TotalSeconds;
        return Math.Round((schedule.CountUntil(schedule.Duration.TotalSeconds) - schedule.CountUntil(warmup)) / (schedule.Duration.TotalSeconds - warmup), 2);
    }

    private static SettingsReport Describe(LoadPlan plan) => new()
    {
        Scenario = plan.Scenario.ToString().ToLowerInvariant(),
        Target = plan.Target.ToString(),
        Content = plan.Content?.Description ?? "connections only",
        Connections = plan.Connections,
        Threads = plan.Threads,
        Pipeline = plan.Pipeline,
        Loop = plan.IsOpenLoop ? "open" : "closed",
        RatePerSecond = plan.Rate,
        Ramp = plan.Ramp.Count == 0 ? null : string.Join(", ", plan.Ramp.Select(stage => string.Create(CultureInfo.InvariantCulture,
            $"{stage.From:0.##} to {stage.To:0.##}/s in {Quantity.Option(stage.Duration)}"))),
        DurationSeconds = plan.Duration?.TotalSeconds,
        Requests = plan.Requests,
        WarmupSeconds = plan.Warmup.TotalSeconds,
        TimeoutSeconds = plan.Timeout.TotalSeconds,
        GraceSeconds = plan.Grace.TotalSeconds,
        Seed = plan.Seed,
    };

    private static LatencyReport Summarise(LongHistogram histogram, IReadOnlyList<double> percentiles)
    {
        if (histogram.TotalCount == 0)
        {
            return new LatencyReport();
        }
        List<SpectrumPoint> spectrum = [];
        foreach (var step in histogram.Percentiles(5))
        {
            spectrum.Add(new SpectrumPoint(Math.Round(step.PercentileLevelIteratedTo, 6), Math.Round(step.ValueIteratedTo / 1e6, 6)));
        }
        return new LatencyReport
        {
            Count = histogram.TotalCount,
            MinMs = Math.Round(histogram.LowestEquivalentValue(histogram.RecordedValues().First().ValueIteratedTo) / 1e6, 6),
            MeanMs = Math.Round(histogram.GetMean() / 1e6, 6),
            StandardDeviationMs = Math.Round(histogram.GetStdDeviation() / 1e6, 6),
            MaxMs = Math.Round(histogram.GetMaxValue() / 1e6, 6),
            Percentiles = percentiles.ToDictionary(
                p => "p" + p.ToString("0.######", CultureInfo.InvariantCulture), p => Latencies.Milliseconds(histogram, p)),
            Spectrum = spectrum,
        };
    }
}
