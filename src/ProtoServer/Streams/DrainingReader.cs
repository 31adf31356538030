using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>A handler's reader: gives out what has been received, and once the connection is to end, refuses to wait for more. Loop thread only.</summary>
internal sealed class DrainingReader(EventLoop loop, PipeReader inner) : PipeReader
{
    private readonly TimeSpan _made = loop.Time;
    private ValueTask<ReadResult> _last;
    private long _since;
    private CancellationToken _stopped;
    private bool _heard;

    /// <summary>Whether a read has been waiting for that many iterations, and not for the peer's first word.</summary>
    public bool IsWaiting(int iterations) => !_last.IsCompleted && loop.Iterations - _since >= iterations && (_heard || loop.Time - _made >= Server.FirstWordGrace);

    /// <summary>The pending read ends with a cancelled result; later ones throw as soon as they would have to wait.</summary>
    public void Stop(CancellationToken stopped)
    {
        _stopped = stopped;
        if (!_last.IsCompleted)
        {
            inner.CancelPendingRead();
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_stopped.IsCancellationRequested)
        {
            return inner.TryRead(out ReadResult result) ? new ValueTask<ReadResult>(result) : throw new OperationCanceledException("The connection is about to close: nothing more is read.", _stopped);
        }
        _since = loop.Iterations;
        return _last = inner.ReadAsync(cancellationToken);
    }

    public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

    public override void AdvanceTo(SequencePosition consumed)
    {
        _heard = true;
        inner.AdvanceTo(consumed);
    }

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _heard = true;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
        _last = default;
        inner.Complete(exception);
    }
}
