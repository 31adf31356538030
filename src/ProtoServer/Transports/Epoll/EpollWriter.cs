using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace ProtoServer;

/// <summary>The sending end of an <see cref="EpollConnection"/>: collects what an iteration writes and sends it at the iteration's end, in one system call. Loop thread only.</summary>
/// <remarks>
/// Ownership: bytes lie in pooled blocks from <see cref="GetMemory"/> until the kernel has taken them; an idle connection holds none.
/// The contract is that of <see cref="PipeWriter"/>, with one liberty: bytes that were advanced but not flushed may leave earlier than their flush.
/// After the connection is lost, writes are swallowed and flushes return <see cref="FlushResult.IsCompleted"/>.
/// </remarks>
internal sealed partial class EpollWriter(EpollConnection connection) : PipeWriter, IValueTaskSource<FlushResult>, IFlushable, ISendQueue
{
    private Block? _head;
    private Block? _tail;
    private int _start; // first unsent byte in _head
    private int _high = connection.Options.WriteHighWaterBytes;
    private int _low = connection.Options.WriteLowWaterBytes;
    private LoopCompletion? _wait; // made by the first wait
    private TaskCompletionSource<FlushResult>? _alsoWaiting; // further flushes while one is pending
    private bool _waiting; // a FlushAsync is pending
    private bool _reserved; // memory was handed out and not yet advanced
    private bool _queued; // in the loop's flush queue
    private bool _blocked; // the kernel's buffer is full: EPOLLOUT is armed
    private bool _cancelled;
    private bool _completed;
    private bool _finSent;

    public long UnsentBytes { get; private set; }

    public Exception? Error => connection.Error;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => UnsentBytes;

    public bool IsBlocked => _blocked;

    public bool IsFinSent => _finSent;

    public void SetMarks(int high, int low)
    {
        _high = high;
        _low = low;
        if (_waiting && UnsentBytes <= _low)
        {
            Signal();
        }
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => Reserve(sizeHint).Array.AsSpan(_tail!.End);

    public override Memory<byte> GetMemory(int sizeHint = 0) => Reserve(sizeHint).Array.AsMemory(_tail!.End);

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
        if (bytes > _tail!.Free)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), "Advanced past the end of the memory that was handed out.");
        }
        _reserved = false;
        if (connection.IsDead)
        {
            Clear();
            return;
        }
        _tail.End += bytes;
        UnsentBytes += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        connection.Loop.VerifyThread();
        if (cancellationToken.CanBeCanceled)
        {
            return FlushCancellableAsync(cancellationToken);
        }
        if (!_blocked && UnsentBytes > 0)
        {
            // Above the mark there is nothing to gain from waiting for more: the answer to "is the peer keeping up" is one send away.
            if (connection.Loop.IsFlushing || UnsentBytes > _high)
            {
                Send();
            }
            else
            {
                QueueFlush();
            }
        }
        if (_cancelled || UnsentBytes <= _high || connection.IsDead)
        {
            return new ValueTask<FlushResult>(TakeResult());
        }
        if (_waiting)
        {
            _alsoWaiting ??= new TaskCompletionSource<FlushResult>();
            return new ValueTask<FlushResult>(_alsoWaiting.Task);
        }
        _waiting = true;
        (_wait ??= new LoopCompletion()).Reset();
        return new ValueTask<FlushResult>(this, _wait.Version);
    }

    public override void CancelPendingFlush()
    {
        connection.Loop.VerifyThread();
        _cancelled = true;
        if (_waiting)
        {
            Signal();
        }
    }

    /// <summary>Ends the output: what is queued is sent, then FIN. With an exception the connection is reset instead.</summary>
    public override void Complete(Exception? exception = null)
    {
        connection.Loop.VerifyThread();
        if (_completed)
        {
            return;
        }
        _completed = true;
        if (exception is not null)
        {
            connection.Abort(new Microsoft.AspNetCore.Connections.ConnectionAbortedException("The output was completed with an error.", exception));
        }
        else if (UnsentBytes == 0)
        {
            SendFin();
        }
        else if (!_blocked)
        {
            QueueFlush();
        }
    }

    /// <summary>The connection is lost or reset: drops what is queued. Flushes that wait end when <see cref="EndWaits"/> is called.</summary>
    public void Clear()
    {
        UnsentBytes = 0;
        _blocked = false;
        _start = 0;
        while (_head is { } block && !(_reserved && block == _tail))
        {
            _head = block.NextBlock;
            connection.Shared.Blocks.Return(block);
        }
        if (_head is null)
        {
            _tail = null;
        }
        else
        {
            _head.End = 0;
        }
    }

    public void EndWaits()
    {
        if (_waiting)
        {
            Signal();
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        _wait!.Verify(token);
        return _waiting ? throw new InvalidOperationException("The flush has not completed.") : TakeResult();
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _wait!.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait!.OnCompleted(connection.Loop, continuation, state, token, flags);

    private async ValueTask<FlushResult> FlushCancellableAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool over = false;
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ => connection.Loop.Post(static cancel => cancel(), () =>
            {
                if (!over)
                {
                    CancelPendingFlush();
                }
            }),
            null);
        try
        {
            FlushResult result = await FlushAsync(CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            return result;
        }
        finally
        {
            over = true;
        }
    }

    private Block Reserve(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_completed && !connection.IsDead)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }
        int needed = Math.Max(1, sizeHint);
        if (_tail is null)
        {
            _head = _tail = connection.Shared.Blocks.Rent(needed);
        }
        else if (_tail.Free < needed)
        {
            // A queue that outgrew a small block is bulk.
            Block next = connection.Shared.Blocks.Rent(Math.Max(needed, BlockPool.LargeBytes));
            _tail.Link(next);
            _tail = next;
        }
        _reserved = true;
        return _tail;
    }

    private void QueueFlush()
    {
        if (!_queued)
        {
            _queued = true;
            connection.Loop.FlushAtEndOfIteration(this);
        }
    }

    private FlushResult TakeResult()
    {
        var result = new FlushResult(_cancelled, connection.IsDead);
        _cancelled = false;
        return result;
    }

    private void Signal()
    {
        _waiting = false;
        TaskCompletionSource<FlushResult>? others = _alsoWaiting;
        _alsoWaiting = null;
        _wait!.Signal();
        others?.TrySetResult(new FlushResult(false, connection.IsDead));
    }
}
