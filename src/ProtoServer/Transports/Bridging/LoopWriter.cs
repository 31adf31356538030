using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace ProtoServer;

/// <summary>Brings any <see cref="PipeWriter"/> to a loop: used on the loop's thread only, continuations run there, whatever threads <paramref name="inner"/> completes its flushes on.</summary>
/// <remarks>
/// Ownership: bytes lie in a buffer of our own until the end of the iteration, as not every writer may be written to while it flushes, and few keep memory that was handed out valid over a flush.
/// Flushes of one iteration become one, at its end. After the connection is lost, writes are swallowed and flushes return <see cref="FlushResult.IsCompleted"/>.
/// </remarks>
/// <param name="loop">The loop.</param>
/// <param name="inner">The writer below; from now on used by this one only.</param>
/// <param name="options">The marks.</param>
/// <param name="sentBytes">How many bytes left in all, where that is known; null counts a byte as sent when the flush that covers it has completed.</param>
/// <param name="lost">Told, on the loop, when writing fails; returns the exception to show.</param>
internal sealed class LoopWriter(EventLoop loop, PipeWriter inner, EpollTransportOptions options, Func<long>? sentBytes, Func<Exception, Exception> lost)
    : PipeWriter, IValueTaskSource<FlushResult>, IFlushable, ISendQueue
{
    // An idle connection keeps no more than a usual answer took; what a burst made larger is let go.
    private const int KeptBytes = 16 * 1024;

    private readonly TaskCompletionSource _finished = new();
    private ArrayBufferWriter<byte>? _staged;
    private int _stagedStart; // what lies before it was handed over while memory was out
    private Action? _onFlushed;
    private ValueTask<FlushResult> _innerFlush;
    private readonly LoopCompletion _wait = new();
    private TaskCompletionSource<FlushResult>? _alsoWaiting; // further flushes while one is pending
    private int _high = options.WriteHighWaterBytes;
    private int _low = options.WriteLowWaterBytes;
    private long _written;
    private long _handedOver; // how much of it the inner writer was asked to flush
    private long _acknowledged; // how much of it is known to be flushed
    private bool _reserved; // memory was handed out and not yet advanced
    private bool _flushing; // the inner writer's flush is pending
    private bool _waiting; // a FlushAsync is pending
    private bool _queued; // in the loop's flush queue
    private bool _cancelled;
    private bool _completed;
    private bool _ended; // the inner writer was completed

    public long UnsentBytes => IsLost ? 0 : _written - Math.Max(_acknowledged, sentBytes?.Invoke() ?? 0);

    public Exception? Error { get; private set; }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => UnsentBytes;

    /// <summary>Ends when, after <see cref="Complete"/>, everything was handed over, or the connection is lost. Never fails.</summary>
    public Task Finished => _finished.Task;

    private bool IsLost => Error is not null;

    public void SetMarks(int high, int low)
    {
        _high = high;
        _low = low;
        WakeIfBelowMark();
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => Reserve().GetSpan(sizeHint);

    public override Memory<byte> GetMemory(int sizeHint = 0) => Reserve().GetMemory(sizeHint);

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (!_reserved)
        {
            if (bytes == 0)
            {
                return;
            }
            throw new InvalidOperationException("Advance without memory: call GetSpan or GetMemory first.");
        }
        if (bytes > _staged!.FreeCapacity)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), "Advanced past the end of the memory that was handed out.");
        }
        _reserved = false;
        if (IsLost)
        {
            _staged = null;
            return;
        }
        _staged.Advance(bytes);
        _written += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        loop.VerifyThread();
        if (cancellationToken.CanBeCanceled)
        {
            return FlushCancellableAsync(cancellationToken);
        }
        if (loop.IsFlushing || UnsentBytes > _high)
        {
            Push();
        }
        else if (!_queued && _written != _handedOver && !IsLost)
        {
            _queued = true;
            loop.FlushAtEndOfIteration(this);
        }
        if (_cancelled || UnsentBytes <= _high)
        {
            return new ValueTask<FlushResult>(TakeResult());
        }
        if (_waiting)
        {
            _alsoWaiting ??= new TaskCompletionSource<FlushResult>();
            return new ValueTask<FlushResult>(_alsoWaiting.Task);
        }
        _waiting = true;
        _wait.Reset();
        return new ValueTask<FlushResult>(this, _wait.Version);
    }

    public override void CancelPendingFlush()
    {
        loop.VerifyThread();
        _cancelled = true;
        if (_waiting)
        {
            Signal();
        }
    }

    /// <summary>Ends the output: what is written is handed over, then the inner writer is completed. With an exception the connection is given up instead.</summary>
    public override void Complete(Exception? exception = null)
    {
        loop.VerifyThread();
        if (_completed)
        {
            return;
        }
        _completed = true;
        if (exception is not null)
        {
            Lose(exception);
        }
        GoOn();
        if (IsLost)
        {
            // Whatever still hangs below: nobody waits for it.
            _finished.TrySetResult();
        }
    }

    void IFlushable.Flush()
    {
        _queued = false;
        Push();
    }

    /// <summary>The connection is lost: nothing more is sent. Flushes that wait end in a later iteration.</summary>
    public void Lose(Exception exception)
    {
        if (IsLost)
        {
            return;
        }
        Error = exception;
        Error = lost(exception);
        loop.Post(static writer => writer.EndWaits(), this);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        _wait.Verify(token);
        return _waiting ? throw new InvalidOperationException("The flush has not completed.") : TakeResult();
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(loop, continuation, state, token, flags);

    private async ValueTask<FlushResult> FlushCancellableAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool over = false;
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ => loop.Post(static cancel => cancel(), () =>
            {
                if (!over)
                {
                    CancelPendingFlush();
                }
            }),
            null);
        FlushResult result = await FlushAsync(CancellationToken.None);
        over = true;
        cancellationToken.ThrowIfCancellationRequested();
        return result;
    }

    private ArrayBufferWriter<byte> Reserve()
    {
        loop.VerifyThread();
        if (_completed && !IsLost)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }
        if (_staged is null)
        {
            _staged = new ArrayBufferWriter<byte>();
            _stagedStart = 0;
        }
        _reserved = true;
        return _staged;
    }

    private void Push()
    {
        if (_flushing || IsLost || _ended || _written == _handedOver)
        {
            return;
        }
        try
        {
            inner.Write(_staged!.WrittenSpan[_stagedStart..]);
            if (_reserved)
            {
                // Somebody is about to write into what is left of it.
                _stagedStart = _staged.WrittenCount;
            }
            else if (_staged.Capacity > KeptBytes)
            {
                _staged = null;
            }
            else
            {
                _staged.ResetWrittenCount();
                _stagedStart = 0;
            }
            _handedOver = _written;
            ValueTask<FlushResult> flush = inner.FlushAsync(CancellationToken.None);
            if (flush.IsCompleted)
            {
                Flushed(flush.GetAwaiter().GetResult());
                return;
            }
            _flushing = true;
            _innerFlush = flush;
            flush.GetAwaiter().UnsafeOnCompleted(_onFlushed ??= OnInnerFlushed);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Lose(exception);
        }
    }

    private void OnInnerFlushed()
    {
        if (!loop.IsLoopThread)
        {
            loop.Post(static writer => writer.OnInnerFlushed(), this);
            return;
        }
        _flushing = false;
        ValueTask<FlushResult> flush = _innerFlush;
        _innerFlush = default;
        try
        {
            Flushed(flush.GetAwaiter().GetResult());
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Lose(exception);
        }
        GoOn();
    }

    private void Flushed(FlushResult result)
    {
        _acknowledged = _handedOver;
        if (result.IsCompleted && !IsLost)
        {
            Lose(new IOException("The connection's output was closed below the protocol."));
            return;
        }
        WakeIfBelowMark();
    }

    // The inner writer is free again: what was written meanwhile, and then perhaps the end.
    private void GoOn()
    {
        Push();
        if (_completed && !_flushing && !_ended)
        {
            _ended = true;
            _ = EndAsync();
        }
    }

    private async Task EndAsync()
    {
        try
        {
            await inner.CompleteAsync(Error);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            if (loop.IsLoopThread)
            {
                Lose(exception);
            }
        }
        _finished.TrySetResult();
    }

    private void WakeIfBelowMark()
    {
        if (_waiting && UnsentBytes <= _low)
        {
            Signal();
        }
    }

    private void EndWaits()
    {
        if (_waiting)
        {
            Signal();
        }
        if (_completed)
        {
            _finished.TrySetResult();
        }
    }

    private FlushResult TakeResult()
    {
        var result = new FlushResult(_cancelled, IsLost);
        _cancelled = false;
        return result;
    }

    private void Signal()
    {
        _waiting = false;
        TaskCompletionSource<FlushResult>? others = _alsoWaiting;
        _alsoWaiting = null;
        _wait.Signal();
        others?.TrySetResult(new FlushResult(false, IsLost));
    }
}
