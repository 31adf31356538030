using System.IO.Pipelines;

namespace ProtoServer;

// The end: completed by whoever reads, or lost below; and what is still to be heard of the peer then.
internal sealed partial class LoopReader
{
    private TaskCompletionSource? _discarded; // ends the linger time
    private bool _abandoned;
    private bool _keepOpen = keepOpen;

    /// <summary>The peer has said all, and nothing of it is left below.</summary>
    public bool IsAtEnd => _end;

    /// <summary>Whether completing dropped bytes that had been received.</summary>
    public bool DroppedInput { get; private set; }

    /// <summary>No more reading: what is unconsumed is dropped, and a pending read fails.</summary>
    public override void Complete(Exception? exception = null)
    {
        loop.VerifyThread();
        if (_completed)
        {
            return;
        }
        _completed = true;
        if (_waiting)
        {
            // Somebody awaits it, and would never get to its own cleaning up. In the next iteration, not inside this call.
            _waiting = false;
            loop.Post(static wait => wait.Signal(), _wait);
        }
        DroppedInput = _unconsumed > 0;
        if (_innerPending)
        {
            // A pipe must not be completed under a pending read: OnInnerRead goes on from here.
            inner.CancelPendingRead();
        }
        else if (_abandoned || _reading || _kept)
        {
            CompleteInner();
        }
        else if (_error is null && TryLookBelow(out ReadResult result))
        {
            DroppedInput |= !result.Buffer.IsEmpty;
            inner.AdvanceTo(result.Buffer.End);
            CompleteInner();
        }
        else
        {
            CompleteInner();
        }
        _reading = false;
        _kept = false;
        _buffer = default;
    }

    /// <summary>The connection was aborted: the inner reader is left as it is, whatever its transport did to it, and <see cref="Fail"/> follows.</summary>
    public void Abandon() => _abandoned = true;

    /// <summary>After <see cref="Complete"/> of a reader that is kept open: reads and drops what the peer still says, until its end or the end of <paramref name="limit"/>.</summary>
    public async Task DiscardAsync(TimeSpan limit)
    {
        var discarded = new TaskCompletionSource();
        CallHandle timer = loop.CallLater(limit, static call => call.reader.StopDiscarding(call.discarded), (reader: this, discarded));
        _discarded = discarded;
        if (!_innerPending)
        {
            Discard();
        }
        await discarded.Task;
        timer.Cancel();
    }

    /// <summary>After <see cref="Complete"/> of a reader that was kept open: gives the memory back.</summary>
    public void Release()
    {
        _keepOpen = false;
        if (!_innerPending)
        {
            CompleteInner();
        }
    }

    /// <summary>The connection is lost: the pending read, and each later one, throws.</summary>
    public void Fail(Exception exception)
    {
        if (_error is null)
        {
            _error = exception;
            _error = lost(exception);
        }
        if (_waiting)
        {
            _waiting = false;
            _wait.Signal();
        }
        _discarded?.TrySetResult();
    }

    /// <summary>The connection below says that it is over. Nobody is reading, so whether it was reset or merely ended has to be found out.</summary>
    public void LookForLoss()
    {
        if (_waiting || _reading || _completed || _innerPending || _error is not null || _end)
        {
            return;
        }
        if (_kept)
        {
            inner.AdvanceTo(_buffer.Start, _buffer.GetPosition(_examined));
            _kept = false;
        }
        try
        {
            if (!inner.TryRead(out ReadResult result))
            {
                Fail(new IOException("The connection was closed below the protocol."));
                return;
            }
            // Left open: what it holds is offered by the next read.
            Accept(result);
            _reading = false;
            _kept = true;
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Fail(exception);
        }
    }

    private void Drop(in ReadResult result)
    {
        DroppedInput |= !result.Buffer.IsEmpty;
        _end = result.IsCompleted;
        inner.AdvanceTo(result.Buffer.End);
        if (_discarded is not null)
        {
            Discard();
        }
        else
        {
            CompleteInner();
        }
    }

    private bool TryLookBelow(out ReadResult result)
    {
        try
        {
            bool found = inner.TryRead(out result);
            _end |= found && result.IsCompleted;
            return found;
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            // Lost already: then there is nothing to look at, and nobody to tell.
            result = default;
            return false;
        }
    }

    private void Discard()
    {
        try
        {
            while (_discarded is { Task.IsCompleted: false } && !_end && _error is null)
            {
                ValueTask<ReadResult> read = inner.ReadAsync();
                if (!read.IsCompleted)
                {
                    Await(read);
                    return;
                }
                ReadResult result = read.GetAwaiter().GetResult();
                _end = result.IsCompleted;
                inner.AdvanceTo(result.Buffer.End);
            }
            _discarded?.TrySetResult();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Fail(exception);
        }
    }

    private void StopDiscarding(TaskCompletionSource discarded)
    {
        discarded.TrySetResult();
        inner.CancelPendingRead();
    }

    private void CompleteInner()
    {
        if (_keepOpen)
        {
            return;
        }
        try
        {
            ValueTask completion = inner.CompleteAsync();
            if (!completion.IsCompletedSuccessfully)
            {
                _ = completion.AsTask();
            }
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            // It was completed below us.
        }
    }
}
