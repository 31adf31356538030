using System.Threading.Channels;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Engine;

/// <summary>One loop's share of a run: its clients, its share of the schedule, its samples.</summary>
/// <remarks>
/// Loop thread only, except for the constructor. Phases: connect, begin, (warm-up, measurement), end of sending, finish.
/// Every wait in it has an end: connects, requests and the grace are timed.
/// </remarks>
internal sealed partial class LoadWorker
{
    private readonly LoadPlan _plan;
    private readonly int _index;
    private readonly EventLoop _loop;
    private readonly Client[] _clients;
    private readonly ChannelWriter<Sample> _samples;
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _measureStart;
    private long _end = long.MaxValue;
    private long _budget;
    private long _lastProgress;
    private long _inFlight;
    private long _rawRun;
    private long _rawRunCount;
    private int _open;
    private bool _running;
    private bool _sending;

    public LoadWorker(LoadPlan plan, int index, EventLoop loop, ChannelWriter<Sample> samples, SamplePool pool)
    {
        _plan = plan;
        _index = index;
        _loop = loop;
        _samples = samples;
        _pool = pool;
        _sample = pool.Take();
        Connector = new Connector(plan, loop);
        int count = Share(plan.Connections);
        _clients = new Client[count];
        for (int i = 0; i < count; i++)
        {
            int number = index + (i * plan.Threads);
            Dialogue? dialogue = plan.Content?.Open(number, plan.Pipeline);
            _clients[i] = new Client(this, number, dialogue, plan.Pipeline, plan.RequestsPerConnection);
        }
        _budget = plan.Requests is { } requests ? (requests / plan.Threads) + (index < requests % plan.Threads ? 1 : 0) : long.MaxValue;
        _schedule = plan.IsOpenLoop ? plan.Schedule() : null;
    }

    public Connector Connector { get; }

    /// <summary>Completes when the last sample has been handed over. Any thread.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Connections that are open. Any thread, approximate.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Starts the load.</summary>
    /// <param name="start">When, in nanoseconds of the clock: the same on all loops.</param>
    public void Begin(long start)
    {
        LoopThread.SharpenTimers();
        _start = start;
        // Not before: what is sent earlier would not belong to the measurement.
        CallAt(start, static worker => worker.StartLoad());
    }

    /// <summary>No new requests from now on; the run is over when the last reply has come, or after the grace.</summary>
    public void EndSending()
    {
        if (!_sending)
        {
            return;
        }
        _sending = false;
        CountNotSent(Math.Min(Clock.Now, _end));
        if (_inFlight == 0)
        {
            Finish();
        }
        else
        {
            _loop.CallLater(_plan.Grace, static worker => worker.Finish(), this);
        }
    }

    /// <summary>Ends the run at once: what is out is lost.</summary>
    public void Finish()
    {
        if (_finished.Task.IsCompleted)
        {
            return;
        }
        _running = _sending = false;
        long now = Clock.Now;
        foreach (Client client in _clients)
        {
            client.Finish(now);
        }
        EmitSample(now);
        _finished.TrySetResult();
    }

    private void StartLoad()
    {
        if (_finished.Task.IsCompleted)
        {
            return;
        }
        EmitSample(_start);
        _running = _sending = true;
        _measureStart = _start + Clock.Nanoseconds(_plan.Warmup);
        _lastProgress = _start;
        if (_plan.Length is { } length)
        {
            _end = _start + Clock.Nanoseconds(length);
            CallAt(_end, static worker => worker.EndSending());
        }
        BeginSampling();
        Sweep();
        foreach (Client client in _toRetry)
        {
            client.Retry();
        }
        _toRetry.Clear();
        BeginPacing();
        long now = Clock.Now;
        foreach (Client client in _clients)
        {
            BecameReady(client, now);
        }
    }

    /// <summary>A client may have become able to take a request.</summary>
    public void BecameReady(Client client, long now)
    {
        if (!_running || _plan.Content is null)
        {
            return;
        }
        if (_schedule is null)
        {
            client.Fill(now);
        }
        else
        {
            JoinLine(client, now);
        }
    }

    /// <summary>Whether a closed loop may send one more; if so, it is taken from the budget.</summary>
    public bool TakeClosedLoopTurn()
    {
        if (!_sending || _budget == 0)
        {
            return false;
        }
        _budget--;
        return true;
    }

    public void CountSent(long intended, int bytes)
    {
        _inFlight++;
        Ledger ledger = LedgerOf(intended);
        ledger[Counter.Sent]++;
        ledger[Counter.BytesSent] += bytes;
    }

    public void CountSentBytes(long intended, int bytes) => LedgerOf(intended)[Counter.BytesSent] += bytes;

    public void CountReceived(int bytes, long now) => LedgerOf(now)[Counter.BytesReceived] += bytes;

    public void Count(Counter counter, long now) => LedgerOf(now)[counter]++;

    /// <summary>A reply came.</summary>
    public void Answer(PendingRequest request, long now, ReplyKind kind)
    {
        LedgerOf(request.Intended)[kind switch
        {
            ReplyKind.Good => Counter.Good,
            ReplyKind.Miss => Counter.Miss,
            ReplyKind.Error => Counter.ErrorReply,
            _ => Counter.Wrong,
        }]++;
        _lastProgress = now;
        if (request.Intended >= _measureStart)
        {
            RecordRaw(now - request.Sent);
            if (_schedule is not null)
            {
                Latencies.Record(_sample.Corrected, now - request.Intended);
            }
            if (_sample.FirstReply == 0)
            {
                _sample.FirstReply = now;
            }
            _sample.LastReply = now;
        }
        LeaveFlight();
    }

    /// <summary>A message to which no reply is expected was handed over: it is done, and nothing is known of its latency.</summary>
    public void CountUnanswered(PendingRequest request)
    {
        LedgerOf(request.Intended)[Counter.Good]++;
        _lastProgress = request.Sent;
        _sample.LastReply = Math.Max(_sample.LastReply, request.Sent);
        LeaveFlight();
    }

    /// <summary>The client has more to send than one turn allows.</summary>
    public void ContinueSoon(Client client) => _loop.CallSoon(static call => call.worker.BecameReady(call.client, Clock.Now), (worker: this, client));

    /// <summary>A reply will not come: counted, and as a latency of at least the time that it was waited for.</summary>
    public void Lose(PendingRequest request, long now, Counter reason)
    {
        LedgerOf(request.Intended)[reason]++;
        if (request.Intended >= _measureStart)
        {
            Latencies.Record(_sample.Corrected, now - request.Intended);
        }
        LeaveFlight();
    }

    // Replies that came in one piece to requests that were sent in one piece have the same latency: they are recorded together.
    private void RecordRaw(long latency)
    {
        if (latency != _rawRun)
        {
            FlushRaw();
            _rawRun = latency;
        }
        _rawRunCount++;
    }

    private void FlushRaw()
    {
        if (_rawRunCount > 0)
        {
            Latencies.Record(_sample.Raw, _rawRun, _rawRunCount);
            _rawRunCount = 0;
        }
    }

    private void LeaveFlight()
    {
        _inFlight--;
        if (_inFlight == 0 && _running && (!_sending || IsBudgetSpent))
        {
            // Not now: the client that called is in the middle of its replies.
            _loop.CallSoon(static worker => worker.FinishIfDone(), this);
        }
    }

    private bool IsBudgetSpent => _schedule is null ? _budget == 0 : _nextDue == long.MaxValue && _plan.Requests is not null;

    private void FinishIfDone()
    {
        if (_inFlight == 0 && _running && (!_sending || IsBudgetSpent))
        {
            Finish();
        }
    }

    // Looks for requests that have waited too long, and, when a number of requests is the only end, for a server that answers nothing any more.
    private void Sweep()
    {
        if (!_running)
        {
            return;
        }
        long now = Clock.Now;
        long timeout = Clock.Nanoseconds(_plan.Timeout);
        foreach (Client client in _clients)
        {
            client.CheckTimeout(now, timeout);
        }
        TimeSpan patience = _plan.Timeout + _plan.ConnectTimeout + _plan.Grace;
        if (_plan.Content is not null && now - _lastProgress > Clock.Nanoseconds(patience) && _plan.Duration is null)
        {
            EndSending();
        }
        // A twentieth of the timeout: what waits is noticed 5 % late at most.
        _loop.CallLater(TimeSpan.FromMilliseconds(Math.Clamp(_plan.Timeout.TotalMilliseconds / 20, 1, 100)), static worker => worker.Sweep(), this);
    }

    private Ledger LedgerOf(long when) => when >= _measureStart ? _sample.Measured : _sample.Warmup;

    private int Share(int whole) => (whole / _plan.Threads) + (_index < whole % _plan.Threads ? 1 : 0);

    private void CallAt(long when, Action<LoadWorker> call) => _loop.CallLater(Clock.Span(Math.Max(0, when - Clock.Now) + 99), call, this);
}
