using System.Buffers;
using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>Passes a writer on and shows what is written, one event for all that was written before a flush. Loop thread only.</summary>
/// <remarks>Counts nothing of its own: what is unsent, and the marks, are those of the writer below, which is always one of ours.</remarks>
internal sealed class ByteLogWriter(PipeWriter inner, Action<ReadOnlySequence<byte>> sent, Action ended) : PipeWriter, ISendQueue
{
    private readonly ISendQueue _queue = (ISendQueue)inner;
    private ArrayBufferWriter<byte>? _unshown;
    private Memory<byte> _reserved;

    public long UnsentBytes => _queue.UnsentBytes;

    public Exception? Error => _queue.Error;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public void SetMarks(int high, int low) => _queue.SetMarks(high, low);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _reserved = inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (bytes > 0 && bytes <= _reserved.Length)
        {
            (_unshown ??= new ArrayBufferWriter<byte>()).Write(_reserved.Span[..bytes]);
        }
        inner.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Show();
        return inner.FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        Show();
        ended();
        inner.Complete(exception);
    }

    public void Show()
    {
        if (_unshown is not null)
        {
            sent(new ReadOnlySequence<byte>(_unshown.WrittenMemory));
            _unshown = null;
        }
    }
}
