using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>Brings any <see cref="PipeReader"/> to a loop: used on the loop's thread only, continuations run there, whatever threads <paramref name="inner"/> completes its reads on.</summary>
/// <remarks>
/// Ownership of the bytes is <paramref name="inner"/>'s. Adds what our own readers promise and a <see cref="Pipe"/> does not: a second read while one is pending throws and harms nothing,
/// bytes that were examined may be offered again, input that nobody consumes is bounded, and completing under a pending read is allowed.
/// </remarks>
/// <param name="loop">The loop.</param>
/// <param name="inner">The reader below; from now on used by this one only.</param>
/// <param name="limitBytes">Unconsumed bytes at which a reader that wants still more is failed.</param>
/// <param name="lost">Told, on the loop, when reading fails; returns the exception to throw.</param>
/// <param name="keepOpen">Whether <paramref name="inner"/> outlives <see cref="Complete"/>, for the connection to read on and discard.</param>
internal sealed partial class LoopReader(EventLoop loop, PipeReader inner, int limitBytes, Func<Exception, Exception> lost, bool keepOpen) : PipeReader, IValueTaskSource<ReadResult>
{
    // One result shows this much that is new, as one receive does on epoll: a peer that writes megabytes at once must not keep the loop.
    private const int BytesPerRead = 64 * 1024;

    private Action? _onInnerRead;
    private ValueTask<ReadResult> _innerRead;
    private ReadOnlySequence<byte> _buffer; // of the last read: until it is advanced, or as long as it is kept
    private readonly LoopCompletion _wait = new();
    private Exception? _error;
    private long _examined; // how much of what is unconsumed the inner reader believes examined
    private long _unconsumed;
    private bool _waiting; // a ReadAsync is pending
    private bool _innerPending;
    private bool _reading; // a result is out and has not been advanced
    private bool _kept; // _buffer was advanced to a place before what the inner reader knows as examined, which it would not allow: the inner read stays open
    private bool _cancelNext;
    private bool _end;
    private bool _cancelled;
    private bool _completed;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        loop.VerifyThread();
        if (cancellationToken.CanBeCanceled)
        {
            return ReadCancellableAsync(cancellationToken);
        }
        VerifyIdle();
        if (_kept)
        {
            return new ValueTask<ReadResult>(Result());
        }
        if (_unconsumed >= limitBytes && _examined == _unconsumed && !_end)
        {
            _error = new ProtocolViolationException($"More than {limitBytes} bytes were received and not consumed.");
            throw _error;
        }
        if (_cancelNext)
        {
            _cancelNext = false;
            inner.CancelPendingRead();
        }
        try
        {
            ValueTask<ReadResult> read = inner.ReadAsync(CancellationToken.None);
            if (read.IsCompleted)
            {
                Accept(read.GetAwaiter().GetResult());
                return new ValueTask<ReadResult>(Result());
            }
            _waiting = true;
            _wait.Reset();
            Await(read);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            _waiting = false;
            Fail(exception);
            ExceptionDispatchInfo.Throw(_error!);
        }
        return new ValueTask<ReadResult>(this, _wait.Version);
    }

    public override bool TryRead(out ReadResult result)
    {
        loop.VerifyThread();
        VerifyIdle();
        if (!_kept)
        {
            try
            {
                if (!inner.TryRead(out ReadResult read))
                {
                    result = default;
                    return false;
                }
                Accept(read);
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                Fail(exception);
                ExceptionDispatchInfo.Throw(_error!);
            }
        }
        result = Result();
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        loop.VerifyThread();
        if (!_reading)
        {
            throw new InvalidOperationException("There is no read to advance: call AdvanceTo once after each read.");
        }
        if (consumed.GetObject() is null)
        {
            consumed = _buffer.Start;
        }
        if (examined.GetObject() is null)
        {
            examined = consumed;
        }
        ReadOnlySequence<byte> rest;
        long examinedCount;
        try
        {
            rest = _buffer.Slice(consumed);
            examinedCount = rest.Length - _buffer.Slice(examined).Length;
        }
        catch (ArgumentOutOfRangeException)
        {
            examinedCount = -1;
            rest = default;
        }
        if (examinedCount < 0)
        {
            throw new InvalidOperationException("AdvanceTo needs begin ≤ consumed ≤ examined ≤ end, with positions of the last read's buffer.");
        }
        long examinedBelow = _examined - (_buffer.Length - rest.Length);
        _reading = false;
        _unconsumed = rest.Length;
        if (examinedCount < examinedBelow)
        {
            _kept = true;
            _buffer = rest;
            _examined = examinedBelow;
            return;
        }
        _kept = false;
        _buffer = default;
        _examined = examinedCount;
        if (!_abandoned)
        {
            inner.AdvanceTo(consumed, examined);
        }
    }

    public override void CancelPendingRead()
    {
        loop.VerifyThread();
        if (_waiting)
        {
            inner.CancelPendingRead();
        }
        else
        {
            _cancelNext = true;
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _wait.Verify(token);
        if (_waiting)
        {
            throw new InvalidOperationException("The read has not completed.");
        }
        if (_error is not null || _completed)
        {
            ExceptionDispatchInfo.Throw(_error ?? new ConnectionAbortedException("The reader was completed while this read was pending."));
        }
        return Result();
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(loop, continuation, state, token, flags);

    private async ValueTask<ReadResult> ReadCancellableAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool over = false;
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ => loop.Post(static cancel => cancel(), () =>
            {
                if (!over)
                {
                    CancelPendingRead();
                }
            }),
            null);
        ReadResult result = await ReadAsync(CancellationToken.None);
        over = true;
        if (result.IsCanceled && cancellationToken.IsCancellationRequested)
        {
            AdvanceTo(result.Buffer.Start);
            throw new OperationCanceledException(cancellationToken);
        }
        return result;
    }

    private void VerifyIdle()
    {
        if (_completed)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }
        if (_waiting || _reading)
        {
            throw new InvalidOperationException(_waiting ? "A read is already pending: one at a time." : "The last read was not advanced: call AdvanceTo before reading again.");
        }
        if (_error is not null)
        {
            ExceptionDispatchInfo.Throw(_error);
        }
    }

    private void Accept(in ReadResult result)
    {
        long most = _unconsumed + BytesPerRead;
        bool whole = result.Buffer.Length <= most;
        _buffer = whole ? result.Buffer : result.Buffer.Slice(0, most);
        _unconsumed = _buffer.Length;
        _cancelled = result.IsCanceled;
        _end = result.IsCompleted && whole;
        _reading = true;
    }

    private ReadResult Result()
    {
        _reading = true;
        bool cancelled = _cancelled || (_kept && _cancelNext);
        _cancelNext &= !_kept;
        _cancelled = false;
        return new ReadResult(_buffer, cancelled, _end);
    }

    private void Await(in ValueTask<ReadResult> read)
    {
        _innerPending = true;
        _innerRead = read;
        read.GetAwaiter().UnsafeOnCompleted(_onInnerRead ??= OnInnerRead);
    }

    private void OnInnerRead()
    {
        if (!loop.IsLoopThread)
        {
            loop.Post(static reader => reader.OnInnerRead(), this);
            return;
        }
        _innerPending = false;
        ValueTask<ReadResult> read = _innerRead;
        _innerRead = default;
        try
        {
            ReadResult result = read.GetAwaiter().GetResult();
            if (_completed)
            {
                Drop(result);
                return;
            }
            Accept(result);
        }
        catch (Exception) when (_completed)
        {
            // Its transport was faster than our end: nobody reads any more.
            _discarded?.TrySetResult();
            CompleteInner();
            return;
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Fail(exception);
            return;
        }
        if (_waiting)
        {
            _waiting = false;
            _wait.Signal();
        }
    }
}
