using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>What one connection must do in time: say something, go on saying it, take what it is sent, end one day. Loop thread only; made only where an option asks for it.</summary>
/// <remarks>
/// One timer for all of them. Activity costs a reading of the clock and a few stores; the timer is set anew when it fires, or when a wait begins that ends before it would: at most once
/// in each such wait's time, for the next one of its kind then finds the timer set early enough.
/// </remarks>
internal sealed class ConnectionDeadlines
{
    // Progress of sending is looked at in steps, for the kernel tells nobody: a stall is noticed late by one of them at most.
    private const int StallSteps = 4;

    private readonly EventLoop _loop;
    private readonly ConnectionOptions _options;
    private readonly IWatchedConnection _connection;
    private readonly long _start;
    private CallHandle? _timer;
    private long _due; // of _timer
    private long _lastActivity;
    private long _written; // handed to the transport
    private long _sent; // at _stalledSince, of these
    private long _stalledSince;
    private long _messageSince;
    private long _messageBytes;
    private long _heldSince;
    private bool _heard; // anything at all
    private bool _unsent; // the kernel did not take everything
    private bool _inMessage; // one has begun
    private bool _unfinished; // and the peer owes its rest

    private ConnectionDeadlines(EventLoop loop, ConnectionOptions options, IWatchedConnection connection)
    {
        _loop = loop;
        _options = options;
        _connection = connection;
        _start = loop.Time.Ticks;
        _lastActivity = _start;
    }

    /// <summary>Begins to watch; null where no option asks for it.</summary>
    public static ConnectionDeadlines? Begin(IWatchedConnection connection, ConnectionOptions options)
    {
        if (!options.HasDeadlines)
        {
            return null;
        }
        var deadlines = new ConnectionDeadlines(connection.Loop, options, connection);
        deadlines.SetTimer(deadlines._start);
        return deadlines;
    }

    /// <summary>What the kernel has not taken yet of what was written to one of our transports.</summary>
    public static long UnsentBytes(PipeWriter output) => ((ISendQueue)output).UnsentBytes;

    public void Received()
    {
        _heard = true;
        _lastActivity = _loop.Time.Ticks;
    }

    /// <summary>The protocol wants more before it can use <paramref name="bytes"/>; <paramref name="isNew"/>: it used what lay before them.</summary>
    public void MessageUnfinished(long bytes, bool isNew)
    {
        if (_options.MinReceiveBytesPerSecond == 0)
        {
            return;
        }
        _messageBytes = bytes;
        if (!_inMessage || isNew)
        {
            _inMessage = true;
            _unfinished = true;
            _messageSince = _lastActivity;
            SetTimer(_lastActivity);
        }
        else if (!_unfinished)
        {
            _unfinished = true;
            _messageSince += _loop.Time.Ticks - _heldSince;
            SetTimer(_lastActivity);
        }
    }

    /// <summary>The message may still be unfinished, but it is the protocol's turn: the peer's time stands still.</summary>
    public void MessageHeld()
    {
        if (_unfinished)
        {
            _unfinished = false;
            _heldSince = _loop.Time.Ticks;
        }
    }

    /// <summary>Nothing is owed: everything was used, or the protocol itself holds the peer back.</summary>
    public void MessageFinished() => _inMessage = _unfinished = false;

    public void Written(long bytes) => _written += bytes;

    /// <summary>The transport was asked to send.</summary>
    public void Flushed()
    {
        long now = _loop.Time.Ticks;
        _lastActivity = now;
        if (!_unsent && _options.WriteStallTimeout != Timeout.InfiniteTimeSpan && _connection.WriteBufferSize > 0)
        {
            _unsent = true;
            _sent = _written - _connection.WriteBufferSize;
            _stalledSince = now;
            SetTimer(now);
        }
    }

    public void Stop()
    {
        _timer?.Cancel();
        _timer = null;
    }

    private void Fire()
    {
        _timer = null;
        long now = _loop.Time.Ticks;
        LookAtSending(now);
        (long due, Deadline missed) = Next(now);
        if (due > now)
        {
            SetTimer(now);
            return;
        }
        _connection.DeadlineMissed(new TimeoutException(Describe(missed)), abort: missed is Deadline.WriteStall or Deadline.DataRate);
    }

    private void SetTimer(long now)
    {
        long due = Next(now).Due;
        if (due == long.MaxValue || (_timer is not null && _due <= due))
        {
            return;
        }
        _timer?.Cancel();
        _due = due;
        _timer = _loop.CallAt(new TimeSpan(due), static deadlines => deadlines.Fire(), this);
    }

    private void LookAtSending(long now)
    {
        if (!_unsent)
        {
            return;
        }
        long sent = _written - _connection.WriteBufferSize;
        _unsent = sent < _written;
        if (sent > _sent)
        {
            _sent = sent;
            _stalledSince = now;
        }
    }

    private (long Due, Deadline What) Next(long now)
    {
        (long Due, Deadline What) next = (long.MaxValue, default);
        void Consider(long since, TimeSpan timeout, Deadline what)
        {
            // Subtracted, since the sum may be beyond the end of time.
            if (timeout != Timeout.InfiniteTimeSpan && timeout.Ticks < next.Due - since)
            {
                next = (since + timeout.Ticks, what);
            }
        }
        Consider(_start, _options.MaxLifetime, Deadline.Lifetime);
        Consider(_lastActivity, _options.IdleTimeout, Deadline.Idle);
        if (!_heard)
        {
            Consider(_start, _options.FirstDataTimeout, Deadline.FirstData);
        }
        if (_unfinished)
        {
            // When what came so far has become too little, were no more to come.
            long enoughUntil = _messageBytes * TimeSpan.TicksPerSecond / _options.MinReceiveBytesPerSecond;
            Consider(_messageSince, TimeSpan.FromTicks(Math.Max(enoughUntil, _options.MinReceiveRateGrace.Ticks)), Deadline.DataRate);
        }
        if (_unsent)
        {
            Consider(_stalledSince, _options.WriteStallTimeout, Deadline.WriteStall);
            long look = now + (_options.WriteStallTimeout.Ticks / StallSteps);
            if (look < next.Due)
            {
                next = (look, Deadline.WriteStall);
            }
        }
        return next;
    }

    private string Describe(Deadline missed) => missed switch
    {
        Deadline.Lifetime => $"The connection reached its lifetime of {_options.MaxLifetime}.",
        Deadline.FirstData => $"The peer said nothing within {_options.FirstDataTimeout} of connecting.",
        Deadline.DataRate => $"The peer sent less than {_options.MinReceiveBytesPerSecond} bytes per second of a message that it began.",
        Deadline.WriteStall => $"The peer took nothing of what was sent to it for {_options.WriteStallTimeout}.",
        _ => $"Neither received nor sent anything for {_options.IdleTimeout}.",
    };

    private enum Deadline
    {
        Idle,
        FirstData,
        DataRate,
        WriteStall,
        Lifetime,
    }
}
