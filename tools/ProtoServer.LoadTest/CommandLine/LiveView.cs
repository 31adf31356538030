using System.Globalization;
using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;
using Spectre.Console;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>The view on a terminal: progress, rate with its recent course, percentiles, errors; redrawn each second.</summary>
internal sealed class LiveView(LoadPlan plan) : IRunObserver
{
    private const int BarCells = 40;
    private const int CourseSeconds = 40;

    private readonly Queue<double> _rates = new();
    private readonly Sample _sum = new();
    private LiveDisplayContext? _display;
    private string _connections = "connecting ...";

    /// <summary>Shows a run while it goes on.</summary>
    public async Task<RunOutcome> ShowAsync(Func<IRunObserver, Task<RunOutcome>> run)
    {
        RunOutcome? outcome = null;
        await AnsiConsole.Live(new Markup(_connections)).AutoClear(true).StartAsync(async display =>
        {
            _display = display;
            outcome = await run(this).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return outcome!;
    }

    public void Connected(int open, int wanted, TimeSpan took)
    {
        _connections = $"{open} of {wanted} connections open after {Quantity.Duration(took.TotalMilliseconds)}";
        _display?.UpdateTarget(new Markup(_connections));
    }

    public void Interval(Sample sample, TimeSpan sinceStart)
    {
        IntervalSummary now = IntervalSummary.Of(sample, 0);
        _sum.Merge(sample);
        _rates.Enqueue(now.AnsweredPerSecond);
        if (_rates.Count > CourseSeconds)
        {
            _rates.Dequeue();
        }
        _display?.UpdateTarget(Draw(sample, now, sinceStart));
    }

    private Rows Draw(Sample sample, IntervalSummary now, TimeSpan sinceStart)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "", "");
        table.AddRow("rate", $"[bold]{Quantity.Rate(now.AnsweredPerSecond)}[/]", Course());
        if (sample.Corrected.TotalCount > 0)
        {
            table.AddRow("latency", $"p50 {Quantity.Duration(now.CorrectedP50Ms)}", $"p99 [bold]{Quantity.Duration(now.CorrectedP99Ms)}[/]  max {Quantity.Duration(now.CorrectedMaxMs)}");
            table.AddRow("so far", $"p50 {Quantity.Duration(Latencies.Milliseconds(_sum.Corrected, 50))}",
                $"p99 {Quantity.Duration(Latencies.Milliseconds(_sum.Corrected, 99))}  max {Quantity.Duration(Latencies.Milliseconds(_sum.Corrected, 100))}");
        }
        long errors = _sum.Measured.Errors + _sum.Warmup.Errors;
        table.AddRow("errors", errors == 0 ? "[green]none[/]" : $"[red]{Quantity.Count(errors)}[/]",
            errors == 0 ? "" : $"wrong {Quantity.Count(_sum.Measured[Counter.Wrong])}  lost {Quantity.Count(_sum.Measured.Lost)}  connections {Quantity.Count(_sum.Measured.ConnectionErrors)}");
        table.AddRow("open", $"{sample.Open} of {plan.Connections}", "");
        table.AddRow("generator", string.Create(CultureInfo.InvariantCulture, $"{now.Busiest:P0} busy"), "");
        return new Rows(Progress(sample.IsWarmup, sinceStart), table);
    }

    private Markup Progress(bool warmup, TimeSpan sinceStart)
    {
        double share = plan.Length is { } length ? sinceStart / length : (double)(_sum.Measured.Answered + _sum.Measured.Lost) / plan.Requests!.Value;
        int cells = (int)(Math.Clamp(share, 0, 1) * BarCells);
        string colour = warmup ? "yellow" : "green";
        string text = string.Create(CultureInfo.InvariantCulture, $"{Math.Min(share, 1):P0}  {sinceStart.TotalSeconds:0} s{(plan.Length is { } all ? $" of {Quantity.Option(all)}" : "")}{(warmup ? "  warm-up" : "")}");
        return new Markup($"[{colour}]{new string('━', cells)}[/][grey]{new string('━', BarCells - cells)}[/] {text}");
    }

    private string Course()
    {
        double most = Math.Max(1, _rates.Max());
        return string.Concat(_rates.Select(rate => "▁▂▃▄▅▆▇█"[(int)Math.Clamp(rate / most * 7.99, 0, 7)]));
    }
}
