using System.Threading.Channels;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Engine;

/// <summary>One run from connect to the last sample: starts the loops, keeps the time, and collects what they measured.</summary>
/// <remarks>Never lasts longer than the connect phase, warm-up, duration and grace together, whatever the server does.</remarks>
internal sealed class LoadRun(LoadPlan plan, IRunObserver observer)
{
    // Beyond the grace: what the loops need to hand over their last samples.
    private static readonly TimeSpan s_handOver = TimeSpan.FromSeconds(1);

    private readonly Channel<Sample> _samples = Channel.CreateUnbounded<Sample>(new UnboundedChannelOptions { SingleReader = true });
    // One in use, one being merged, one ready: per loop.
    private readonly SamplePool _pool = new(3 * plan.Threads);
    private readonly Sample _total = new();
    private readonly List<IntervalSummary> _intervals = [];
    private readonly SortedDictionary<int, (Sample Sample, int Loops)> _open = [];
    private long _start;
    private long _measureStart;
    private long _measuredCpu;
    private long _measuredProcessCpu;
    private long _measuredEnd;
    private double _busiest;
    private double _busySeconds;

    /// <summary>Runs to the end, or until <paramref name="interrupt"/>: then what was measured so far is the outcome.</summary>
    public async Task<RunOutcome> ExecuteAsync(CancellationToken interrupt)
    {
        EventLoop[] loops = [.. Enumerable.Range(0, plan.Threads).Select(i => EventLoop.Start(new EventLoopOptions { Name = $"proto-load {i}" }))];
        try
        {
            LoadWorker[] workers = [.. loops.Select((loop, i) => new LoadWorker(plan, i, loop, _samples.Writer, _pool))];
            long connecting = Clock.Now;
            await ConnectAsync(loops, workers, interrupt).ConfigureAwait(false);
            int open = workers.Sum(worker => worker.Open);
            observer.Connected(open, plan.RequestsPerConnection > 0 ? plan.Threads : plan.Connections, Clock.Span(Clock.Now - connecting));
            DateTimeOffset startedAt = DateTimeOffset.UtcNow;
            if (open > 0 && !interrupt.IsCancellationRequested)
            {
                await LoadAsync(loops, workers, interrupt).ConfigureAwait(false);
            }
            return Outcome(open, startedAt, workers.Select(worker => worker.ConnectFailure).FirstOrDefault(failure => failure is not null), interrupt.IsCancellationRequested);
        }
        finally
        {
            foreach (EventLoop loop in loops)
            {
                loop.Dispose();
            }
        }
    }

    private async Task ConnectAsync(EventLoop[] loops, LoadWorker[] workers, CancellationToken interrupt)
    {
        Task all = Task.WhenAll(workers.Select((worker, i) => InvokeAsync(loops[i], worker.ConnectAll).Unwrap()));
        TimeSpan pacing = TimeSpan.FromSeconds(plan.ConnectRate is { } rate ? plan.Connections / rate : plan.Connections / 1000.0);
        await CompleteWithinAsync(all, plan.ConnectTimeout + pacing + s_handOver, interrupt).ConfigureAwait(false);
    }

    private async Task LoadAsync(EventLoop[] loops, LoadWorker[] workers, CancellationToken interrupt)
    {
        Task collecting = CollectAsync();
        // Far enough ahead that every loop has taken its call, so that all begin at once.
        _start = Clock.Now + 10_000_000;
        _measureStart = _start + Clock.Nanoseconds(plan.Warmup);
        for (int i = 0; i < loops.Length; i++)
        {
            loops[i].CallSoonThreadSafe(static call => call.worker.Begin(call.start), (worker: workers[i], start: _start));
        }
        Task finished = Task.WhenAll(workers.Select(worker => worker.Finished));
        TimeSpan limit = plan.Length is { } length ? length + plan.Grace + s_handOver : Timeout.InfiniteTimeSpan;
        await CompleteWithinAsync(finished, limit, interrupt).ConfigureAwait(false);
        if (!finished.IsCompleted)
        {
            for (int i = 0; i < loops.Length; i++)
            {
                loops[i].CallSoonThreadSafe(static worker => worker.Finish(), workers[i]);
            }
            await CompleteWithinAsync(finished, s_handOver, CancellationToken.None).ConfigureAwait(false);
        }
        _samples.Writer.TryComplete();
        await collecting.ConfigureAwait(false);
    }

    // Puts together the loops' samples of the same interval; an interval is told when all loops have handed it over.
    private async Task CollectAsync()
    {
        await foreach (Sample sample in _samples.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (!_open.TryGetValue(sample.Index, out (Sample Sample, int Loops) entry))
            {
                entry = (sample, 1);
            }
            else
            {
                entry.Sample.Merge(sample);
                _pool.Return(sample);
                entry.Loops++;
            }
            _open[sample.Index] = entry;
            if (entry.Loops == plan.Threads)
            {
                _open.Remove(sample.Index);
                Take(entry.Sample);
            }
        }
        foreach ((Sample sample, _) in _open.Values)
        {
            Take(sample);
        }
    }

    private void Take(Sample sample)
    {
        if (!plan.IsOpenLoop)
        {
            // In a closed loop a request is due when it is sent: the loops record the reply once, and only the lost ones as corrected.
            sample.Corrected.Add(sample.Raw);
        }
        _total.Merge(sample);
        if (sample.Index >= 0)
        {
            double seconds = Math.Max(0, (sample.End - sample.Start) / 1e9);
            if (!sample.IsWarmup && (plan.Length is null || sample.Start < _measureStart + Clock.Nanoseconds(plan.Duration!.Value)))
            {
                _measuredCpu += sample.Cpu;
                _measuredProcessCpu += sample.ProcessCpu;
                _busiest += sample.Busiest * seconds;
                _busySeconds += seconds;
            }
            _measuredEnd = Math.Max(_measuredEnd, sample.End);
            _intervals.Add(IntervalSummary.Of(sample, _measureStart));
            observer.Interval(sample, Clock.Span(sample.End - _start));
        }
        _pool.Return(sample);
    }

    private RunOutcome Outcome(int open, DateTimeOffset startedAt, string? connectFailure, bool interrupted)
    {
        TimeSpan elapsed = Elapsed(interrupted);
        return new RunOutcome
        {
            Total = _total,
            Intervals = _intervals,
            StartedAt = startedAt,
            OpenAtStart = open,
            Elapsed = elapsed,
            MeasuredCpu = _measuredCpu,
            MeasuredProcessCpu = _measuredProcessCpu,
            Busiest = _busySeconds > 0 ? _busiest / _busySeconds : 0,
            Interrupted = interrupted,
            ConnectFailure = connectFailure,
        };
    }

    private TimeSpan Elapsed(bool interrupted)
    {
        if (_measuredEnd <= _measureStart)
        {
            return TimeSpan.Zero;
        }
        if (interrupted || plan.Content is null || (_total.LastReply == 0 && plan.Duration is null))
        {
            return Clock.Span(_measuredEnd - _measureStart);
        }
        // From reply to reply: a server that answers each request a little later than it was sent keeps the rate all the same.
        return plan.Requests is not null
            ? Clock.Span(_total.LastReply - _measureStart)
            : Clock.Span(Math.Max(_total.LastReply - _total.FirstReply, Clock.Nanoseconds(plan.Duration!.Value)));
    }

    private static async Task CompleteWithinAsync(Task task, TimeSpan limit, CancellationToken interrupt)
    {
        try
        {
            await task.WaitAsync(limit, interrupt).ConfigureAwait(false);
        }
        catch (Exception exception) when (!task.IsFaulted && exception is TimeoutException or OperationCanceledException)
        {
            // The caller looks at the task, and goes on with what there is.
        }
    }

    private static Task<T> InvokeAsync<T>(EventLoop loop, Func<T> call)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.CallSoonThreadSafe(static state =>
        {
            try
            {
                state.done.SetResult(state.call());
            }
            catch (Exception exception)
            {
                state.done.SetException(exception);
            }
        }, (done, call));
        return done.Task;
    }
}
