using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The receiving end of an <see cref="EpollConnection"/>: reads from the kernel only while somebody waits for bytes. Loop thread only.</summary>
/// <remarks>
/// Ownership: the bytes of a <see cref="ReadResult"/> lie in the loop's receive buffer. A consumer that advances before its callback returns costs no buffer at all; what it leaves
/// unconsumed is copied into pooled blocks; one that goes on holding the result gets the receive buffer itself, and the loop takes another.
/// The contract is that of <see cref="PipeReader"/>; continuations run inline, when the socket is readable.
/// </remarks>
internal sealed partial class EpollReader(EpollConnection connection) : PipeReader, IValueTaskSource<ReadResult>
{
    private Block? _head;
    private Block? _tail;
    private int _start; // first unconsumed byte in _head
    private LoopCompletion? _wait; // made by the first wait
    private Exception? _error;
    private bool _waiting; // a ReadAsync is pending
    private bool _reading; // a result is out and has not been advanced
    private bool _examinedAll; // the next read needs new bytes
    private bool _lent; // _head is the loop's receive block
    private bool _end; // the peer sent FIN
    private bool _cancelled;
    private bool _completed;

    public bool IsWaiting => _waiting;

    /// <summary>Who reads by <see cref="TryReadOrWait"/>; null: by <see cref="ReadAsync"/>, as anybody does.</summary>
    public IByteReceiver? Receiver { get; set; }

    /// <summary>Whether bytes were received that nobody consumed.</summary>
    public bool HasUnconsumed => _head is not null;

    public bool IsAtEnd => _end;

    /// <summary>Whether the consumer still holds the loop's receive buffer now that its callback has returned.</summary>
    public bool HoldsLentBlock => _lent;

    private long Length => _head is null ? 0 : _tail!.RunningIndex + _tail.End - _head.RunningIndex - _start;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        connection.Loop.VerifyThread();
        if (cancellationToken.CanBeCanceled)
        {
            return ReadCancellableAsync(cancellationToken);
        }
        if (TryReadOrWait(out ReadResult result))
        {
            return new ValueTask<ReadResult>(result);
        }
        (_wait ??= new LoopCompletion()).Reset();
        return new ValueTask<ReadResult>(this, _wait.Version);
    }

    /// <summary>As <see cref="ReadAsync"/>, for the <see cref="Receiver"/>: false where there is nothing yet, and it will be shown bytes or told to come again.</summary>
    public bool TryReadOrWait(out ReadResult result)
    {
        if (TryBegin(out result))
        {
            return true;
        }
        if (Length >= connection.Options.InputLimitBytes)
        {
            _error = new ProtocolViolationException($"More than {connection.Options.InputLimitBytes} bytes were received and not consumed.");
            throw _error;
        }
        _waiting = true;
        connection.WantRead();
        return false;
    }

    public override bool TryRead(out ReadResult result)
    {
        connection.Loop.VerifyThread();
        return TryBegin(out result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        connection.Loop.VerifyThread();
        if (!_reading)
        {
            throw new InvalidOperationException("There is no read to advance: call AdvanceTo once after each read.");
        }
        if (_head is null)
        {
            _reading = false;
            return;
        }
        Block? consumedBlock = BlockOf(consumed, _head);
        int consumedIndex = consumed.GetObject() is null ? _start : consumed.GetInteger();
        if (consumedBlock == _tail && consumedIndex == _tail!.End && (examined.Equals(consumed) || examined.GetObject() is null))
        {
            // The usual case: all of it.
            _reading = false;
            _examinedAll = true;
            FreeAll();
            return;
        }
        Block? examinedBlock = BlockOf(examined, consumedBlock);
        int examinedIndex = examined.GetObject() is null ? consumedIndex : examined.GetInteger();
        long begin = _head.RunningIndex + _start;
        long end = begin + Length;
        long consumedAt = consumedBlock is null ? -1 : consumedBlock.RunningIndex + consumedIndex;
        long examinedAt = examinedBlock is null ? -1 : examinedBlock.RunningIndex + examinedIndex;
        if (consumedAt < begin || examinedAt < consumedAt || examinedAt > end)
        {
            throw new InvalidOperationException("AdvanceTo needs begin ≤ consumed ≤ examined ≤ end, with positions of the last read's buffer.");
        }
        _reading = false;
        _examinedAll = examinedAt == end;
        if (consumedAt == end)
        {
            FreeAll();
            return;
        }
        while (_head != consumedBlock)
        {
            FreeHead();
        }
        _start = consumedIndex;
        // A block that is consumed to its end goes too: no buffer begins with an empty segment.
        while (_start == _head.End)
        {
            FreeHead();
        }
        if (_lent)
        {
            KeepRest();
        }
    }

    public override void CancelPendingRead()
    {
        connection.Loop.VerifyThread();
        _cancelled = true;
        if (_waiting)
        {
            Signal();
        }
    }

    /// <summary>No more reading: what is unconsumed is dropped, what still comes is not taken from the kernel, and a pending read fails.</summary>
    public override void Complete(Exception? exception = null)
    {
        connection.Loop.VerifyThread();
        if (_completed)
        {
            return;
        }
        _completed = true;
        _reading = false;
        if (_waiting && Receiver is null)
        {
            // Somebody awaits it, and would never get to its own cleaning up. In the next iteration, not inside this call.
            connection.Loop.Post(static wait => wait.Signal(), _wait!);
        }
        _waiting = false;
        if (_head is not null)
        {
            connection.OnInputDropped();
            FreeAll();
        }
    }

    /// <summary><paramref name="count"/> bytes lie in the loop's receive block.</summary>
    public void OnReceived(Block receiveBlock, int count)
    {
        Debug.Assert(_waiting && !_reading, "the kernel is read only for a waiting reader");
        receiveBlock.End = count;
        if (_head is null && Receiver is not null)
        {
            Show(receiveBlock, count);
            return;
        }
        if (_head is null)
        {
            _head = receiveBlock;
            _tail = receiveBlock;
            _start = 0;
            _lent = true;
        }
        else
        {
            Append(receiveBlock.Array.AsSpan(0, count));
        }
        _examinedAll = false;
        Signal();
    }

    /// <summary>The peer sent FIN.</summary>
    public void OnEnd()
    {
        _end = true;
        if (_waiting)
        {
            Signal();
        }
    }

    /// <summary>The connection is lost: the pending read, and each later one, throws.</summary>
    public void Fail(Exception error)
    {
        _error ??= error;
        if (_waiting)
        {
            Signal();
        }
    }

    /// <summary>The consumer held on: the block is its own now.</summary>
    public void KeepLentBlock() => _lent = false;

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _wait!.Verify(token);
        if (_waiting)
        {
            throw new InvalidOperationException("The read has not completed.");
        }
        if (_completed)
        {
            ExceptionDispatchInfo.Throw(_error ?? new ConnectionAbortedException("The reader was completed while this read was pending."));
        }
        return TryBegin(out ReadResult result) ? result : throw new InvalidOperationException("The read was signalled without a result.");
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait!.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait!.OnCompleted(connection.Loop, continuation, state, token, flags);

    private async ValueTask<ReadResult> ReadCancellableAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool over = false;
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ => connection.Loop.Post(static cancel => cancel(), () =>
            {
                if (!over)
                {
                    CancelPendingRead();
                }
            }),
            null);
        try
        {
            ReadResult result = await ReadAsync(CancellationToken.None);
            if (result.IsCanceled && cancellationToken.IsCancellationRequested)
            {
                // As if the read had never been: what was examined before it stays examined.
                AdvanceTo(result.Buffer.Start, _examinedAll ? result.Buffer.End : result.Buffer.Start);
                throw new OperationCanceledException(cancellationToken);
            }
            return result;
        }
        finally
        {
            over = true;
        }
    }

    private bool TryBegin(out ReadResult result)
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
            // Wrapped anew each time would hide the type; thrown again as it is, as Pipe does.
            ExceptionDispatchInfo.Throw(_error);
        }
        if (!_cancelled && !_end && (_head is null || _examinedAll))
        {
            result = default;
            return false;
        }
        ReadOnlySequence<byte> buffer = _head is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_head, _start, _tail!, _tail!.End);
        result = new ReadResult(buffer, _cancelled, _end);
        _cancelled = false;
        _reading = true;
        return true;
    }

    private void Signal()
    {
        _waiting = false;
        if (Receiver is not null)
        {
            Receiver.ReadReady();
        }
        else
        {
            _wait!.Signal();
        }
    }

    private void Show(Block receiveBlock, int count)
    {
        int consumed = Receiver!.Receive(receiveBlock.Array, count, out bool examined);
        if (consumed == count)
        {
            receiveBlock.Poison();
        }
        else if (_completed)
        {
            receiveBlock.Poison();
            connection.OnInputDropped();
        }
        else
        {
            Keep(receiveBlock, consumed);
            _examinedAll = examined;
            if (!examined)
            {
                Signal();
            }
        }
    }
}
