using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace ProtoServer;

/// <summary>Publishes every loop's <see cref="LoopMetrics"/> by the meter <c>ProtoServer</c>: for dotnet-counters, OpenTelemetry and whatever listens to meters.</summary>
/// <remarks>Units are OpenTelemetry's: seconds, <c>{thing}</c> for counts, 1 for ratios. Each measurement carries the tag <c>protoserver.loop.name</c>. Without a listener only the loop's own counters run.</remarks>
internal static class LoopMeter
{
    private const string LoopName = "protoserver.loop.name";

    // A loop that nobody holds any more, closed or not, leaves the table by itself.
    private static readonly ConditionalWeakTable<LoopMetrics, object?> s_loops = [];
    private static readonly Histogram<double> s_readyWait;

    // Observed only through the meter that holds them.
    static LoopMeter()
    {
        Instance.CreateObservableCounter("protoserver.loop.iterations", static () => Each(static loop => loop.Iterations), "{iteration}", "How often the loop went round.");
        Instance.CreateObservableCounter("protoserver.loop.callbacks", static () => Each(static loop => loop.Callbacks), "{callback}", "Calls that were run.");
        Instance.CreateObservableCounter("protoserver.loop.events", static () => Each(static loop => loop.Events), "{event}", "Times that a descriptor was ready.");
        Instance.CreateObservableCounter("protoserver.loop.timers", static () => Each(static loop => loop.Timers), "{timer}", "Timers that came due.");
        Instance.CreateObservableCounter("protoserver.loop.slow_callbacks", static () => Each(static loop => loop.SlowCallbacks), "{callback}", "Callbacks above the threshold for slow ones.");
        Instance.CreateObservableCounter("protoserver.loop.awake_time", static () => Each(static loop => loop.AwakeTime.TotalSeconds), "s", "Time spent running callbacks and I/O.");
        Instance.CreateObservableCounter("protoserver.loop.asleep_time", static () => Each(static loop => loop.AsleepTime.TotalSeconds), "s", "Time spent waiting for something to do.");
        Instance.CreateObservableGauge("protoserver.loop.utilization", static () => Each(static loop => loop.Utilization), "1", "The awake part of the last second.");
        s_readyWait = Instance.CreateHistogram<double>("protoserver.loop.ready_wait", "s", "How long calls waited between being ready and being run.", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5] });
    }

    public static Meter Instance { get; } = new("ProtoServer", typeof(EventLoop).Assembly.GetName().Version?.ToString(3));

    public static void Add(LoopMetrics loop) => s_loops.Add(loop, null);

    public static void Waited(LoopMetrics loop, long ticks)
    {
        if (s_readyWait.Enabled)
        {
            s_readyWait.Record(ticks / (double)TimeSpan.TicksPerSecond, new KeyValuePair<string, object?>(LoopName, loop.Name));
        }
    }

    /// <summary>One measurement a loop, for what other rooms publish too.</summary>
    public static IEnumerable<Measurement<T>> Each<T>(Func<LoopMetrics, T> read) where T : struct =>
        s_loops.Select(loop => new Measurement<T>(read(loop.Key), new KeyValuePair<string, object?>(LoopName, loop.Key.Name)));
}
