using System.Buffers;
using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>A handler's input where deadlines are set: tells them what came and what is owed, and throws the one that was missed. Loop thread only.</summary>
internal sealed class WatchedReader(PipeReader inner, ConnectionDeadlines deadlines) : PipeReader
{
    private ReadOnlySequence<byte> _buffer; // of the last result
    private long _left; // unconsumed of it
    private bool _owed; // what is left was looked at to its end: the rest is the peer's
    private bool _isNew; // it is not the message of the read before
    private TimeoutException? _missed;

    /// <summary>The pending read, or the next one, throws <paramref name="missed"/>.</summary>
    public void Fail(TimeoutException missed)
    {
        _missed = missed;
        inner.CancelPendingRead();
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_missed is not null)
        {
            throw _missed;
        }
        ValueTask<ReadResult> read = inner.ReadAsync(cancellationToken);
        if (read.IsCompletedSuccessfully)
        {
            return new ValueTask<ReadResult>(Seen(read.Result));
        }
        if (_owed)
        {
            deadlines.MessageUnfinished(_left, _isNew);
        }
        return WaitAsync(read);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
        {
            return false;
        }
        Seen(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // Before: the memory is gone afterwards.
        long left = _buffer.Slice(consumed).Length;
        bool examinedAll = _buffer.Slice(examined).IsEmpty;
        _isNew = left < _buffer.Length;
        _left = left;
        _owed = left > 0 && examinedAll;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
        if (!_owed)
        {
            deadlines.MessageFinished();
        }
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
        // Nothing more is expected of the peer.
        deadlines.Received();
        deadlines.MessageFinished();
        inner.Complete(exception);
    }

    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read)
    {
        ReadResult result = await read;
        if (_missed is not null && result.IsCanceled)
        {
            inner.AdvanceTo(result.Buffer.Start);
            throw _missed;
        }
        return Seen(result);
    }

    private ReadResult Seen(in ReadResult result)
    {
        _buffer = result.Buffer;
        if (_buffer.Length > _left)
        {
            deadlines.Received();
        }
        // While the handler is at it the peer owes nothing.
        deadlines.MessageHeld();
        return result;
    }
}
