using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>A stream's output: bounded for a peer that does not read and a writer that does not wait, and told to the deadlines, where some are set. Loop thread only.</summary>
/// <param name="inner">The connection's.</param>
/// <param name="limitBytes">Unsent bytes beyond which a further flush cuts the peer off.</param>
/// <param name="cutOff">Aborts the connection.</param>
/// <param name="deadlines">Null: none are set.</param>
internal sealed class BoundedWriter(PipeWriter inner, int limitBytes, Action cutOff, ConnectionDeadlines? deadlines) : PipeWriter
{
    private long _unflushed; // written since the last flush

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        inner.Advance(bytes);
        _unflushed += bytes;
        deadlines?.Written(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            // Throws and flushes nothing, so what was written is not yet the peer's to take.
            return inner.FlushAsync(cancellationToken);
        }
        // Of earlier flushes: what is flushed now may be of any size.
        if (inner.UnflushedBytes - _unflushed > limitBytes)
        {
            cutOff();
        }
        _unflushed = 0;
        ValueTask<FlushResult> flush = inner.FlushAsync(cancellationToken);
        deadlines?.Flushed();
        return flush;
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);
}
