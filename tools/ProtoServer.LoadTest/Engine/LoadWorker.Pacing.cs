using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Engine;

// The open loop: sends follow the schedule, not the replies. One timer for the whole loop, set to the next due send.
internal sealed partial class LoadWorker
{
    // Later than this through our own fault is late.
    private const long LateNanoseconds = 1_000_000;

    private const long PumpNanoseconds = 1_000_000;

    private const long NotSentSteps = 100_000;

    private readonly RateSchedule? _schedule;
    private readonly Queue<Client> _line = new();
    private long _start;
    private long _nextIndex;
    private long _nextDue = long.MaxValue;
    private int _stage;
    private long _unblockedAt;
    private bool _blocked;
    private bool _armed;

    private void BeginPacing()
    {
        if (_schedule is null)
        {
            return;
        }
        _nextIndex = _index - _plan.Threads;
        Advance();
        Arm();
    }

    // Clients stand in a line and take turns, so that the load is spread evenly; who is not open, or has its pipeline full, is not in it.
    private void JoinLine(Client client, long now)
    {
        if (!client.IsInLine && client.CanTake)
        {
            client.IsInLine = true;
            _line.Enqueue(client);
            if (_blocked)
            {
                _blocked = false;
                _unblockedAt = now;
            }
        }
        if (_nextDue <= now)
        {
            Pump(now);
        }
    }

    private void Tick()
    {
        _armed = false;
        if (_sending)
        {
            Pump(Clock.Now);
        }
    }

    // Sends what is due, as far as clients can take it. What they cannot take waits, and its latency counts from when it was due.
    private void Pump(long now)
    {
        // Not longer than this at a time: when the schedule asks for more than can be done, replies and the end of the run must still be noticed.
        long until = now + PumpNanoseconds;
        while (_nextDue <= now && _sending && now < until)
        {
            if (!TryTakeFromLine(out Client? client))
            {
                _blocked = true;
                return;
            }
            long due = _nextDue;
            Advance();
            CountPace(due, now);
            client!.Send(due, now);
            if (client.CanTake)
            {
                client.IsInLine = true;
                _line.Enqueue(client);
            }
            now = Clock.Now;
        }
        Arm();
    }

    // Only our own lateness: while no client was free, the server was what was waited for.
    private void CountPace(long due, long now)
    {
        if (due < _measureStart)
        {
            return;
        }
        long late = now - Math.Max(due, _unblockedAt);
        Latencies.Record(_sample.Lag, late);
        _sample.Measured[Counter.Paced]++;
        if (late > LateNanoseconds)
        {
            _sample.Measured[Counter.PacedLate]++;
        }
    }

    private bool TryTakeFromLine(out Client? client)
    {
        while (_line.TryDequeue(out client))
        {
            client.IsInLine = false;
            if (client.CanTake)
            {
                return true;
            }
        }
        return false;
    }

    private void Advance()
    {
        _nextIndex += _plan.Threads;
        double seconds = _nextIndex < (_plan.Requests ?? long.MaxValue) ? _schedule!.DueSeconds(_nextIndex, ref _stage) : double.PositiveInfinity;
        _nextDue = double.IsPositiveInfinity(seconds) ? long.MaxValue : _start + (long)(seconds * 1e9);
    }

    private void Arm()
    {
        if (!_armed && _nextDue != long.MaxValue && _sending)
        {
            _armed = true;
            CallAt(_nextDue, static worker => worker.Tick());
        }
    }

    // What was due and could not be sent has waited at least until the end.
    private void CountNotSent(long end)
    {
        if (_schedule is null || _nextDue >= end)
        {
            return;
        }
        long last = Math.Min(_plan.Requests ?? long.MaxValue, (long)Math.Ceiling(_schedule.CountUntil((end - _start) / 1e9) - 1e-6));
        long remaining = (last - _nextIndex + _plan.Threads - 1) / _plan.Threads;
        // In steps, so that a rate of millions that nobody took does not make the end late.
        long stride = (remaining / NotSentSteps) + 1;
        for (long i = 0; i < remaining; i += stride)
        {
            long count = Math.Min(stride, remaining - i);
            long due = _start + (long)(_schedule.DueSeconds(_nextIndex + (i * _plan.Threads), ref _stage) * 1e9);
            LedgerOf(due)[Counter.NotSent] += count;
            if (due >= _measureStart)
            {
                Latencies.Record(_sample.Corrected, end - due, count);
            }
        }
        _nextDue = long.MaxValue;
    }
}
