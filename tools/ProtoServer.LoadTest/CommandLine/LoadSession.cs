using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Reporting;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>One use of the tool: run, show, judge, write.</summary>
internal sealed class LoadSession(LoadPlan plan, OutputPlan output, TextWriter screen, TextWriter error)
{
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    /// <exception cref="IOException">An output file cannot be written; found before the load begins.</exception>
    public async Task<int> RunAsync(CancellationToken interrupt)
    {
        using OutputFiles files = OutputFiles.Open(output);
        if (output.FindMax is { } goal)
        {
            var search = new MaxRateSearch(plan, goal, RunOnceAsync, screen);
            return Conclude(await search.RunAsync(interrupt).ConfigureAwait(false), files, search.Outcome);
        }
        screen.WriteLine(PlanText.Describe(plan));
        return Conclude(await RunOnceAsync(plan, interrupt).ConfigureAwait(false), files, ExitCode.Good);
    }

    private int Conclude(RunResult? result, OutputFiles files, int otherwise)
    {
        if (result is null)
        {
            return otherwise == ExitCode.Good ? ExitCode.CouldNotConnect : otherwise;
        }
        List<ThresholdReport> thresholds = [];
        foreach (Condition condition in output.FailIf)
        {
            bool broken = condition.Holds(result, out string actual);
            thresholds.Add(new ThresholdReport(condition.Text, actual, broken));
        }
        result = result with { Report = result.Report with { Thresholds = thresholds } };
        screen.Write(TextReport.Write(result.Report));
        files.Write(result);
        foreach (string path in files.Paths)
        {
            screen.WriteLine($"Written to {path}");
        }
        screen.Flush();
        return result.Report.Interrupted ? ExitCode.Interrupted
            : !result.Report.Valid ? ExitCode.Saturated
            : thresholds.Exists(threshold => threshold.Broken) ? ExitCode.ThresholdBroken
            : otherwise;
    }

    private async Task<RunResult?> RunOnceAsync(LoadPlan plan, CancellationToken interrupt)
    {
        RunOutcome outcome = await ObserveAsync(plan, observer => new LoadRun(plan, observer).ExecuteAsync(interrupt)).ConfigureAwait(false);
        if (outcome.OpenAtStart == 0 && !outcome.Interrupted)
        {
            error.WriteLine(outcome.ConnectFailure ?? $"Cannot connect to {plan.Target}: no answer within {Quantity.Option(plan.ConnectTimeout)}.");
            return null;
        }
        return ReportBuilder.Build(plan, outcome, output.Command, output.Percentiles);
    }

    private Task<RunOutcome> ObserveAsync(LoadPlan plan, Func<IRunObserver, Task<RunOutcome>> run)
    {
        bool search = output.FindMax is not null;
        if (output.Quiet || search)
        {
            return run(new QuietView());
        }
        // Drawn over and over only where somebody can see it: not into a file, and not into a test's writer.
        bool terminal = !output.Plain && !Console.IsOutputRedirected && ReferenceEquals(screen, Console.Out);
        return terminal ? new LiveView(plan).ShowAsync(run) : run(new PlainView(plan, screen));
    }
}
