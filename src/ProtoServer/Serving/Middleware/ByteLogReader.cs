using System.Buffers;
using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>Passes a reader on and shows each byte once, when it is first given out. Loop thread only.</summary>
internal sealed class ByteLogReader(PipeReader inner, Action<ReadOnlySequence<byte>> received, Action<string> ended) : PipeReader
{
    private ReadOnlySequence<byte> _buffer;
    private long _shown; // of the bytes that are not consumed
    private bool _ended;

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return Show(await inner.ReadAsync(cancellationToken));
        }
        catch (IOException exception) when (!_ended)
        {
            _ended = true;
            ended($"lost: {exception.Message}");
            throw;
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
        {
            return false;
        }
        Show(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _shown -= _buffer.Slice(0, consumed).Length;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    private ReadResult Show(in ReadResult result)
    {
        _buffer = result.Buffer;
        if (_buffer.Length > _shown)
        {
            received(_buffer.Slice(_shown));
            _shown = _buffer.Length;
        }
        if (result.IsCompleted && !_ended)
        {
            _ended = true;
            ended("end");
        }
        return result;
    }
}
