using System.Buffers;

namespace KeyValue;

/// <summary>Where replies go that a client said it does not want.</summary>
internal sealed class DiscardedOutput : IBufferWriter<byte>
{
    private byte[] _bytes = new byte[32 * 1024];

    /// <summary>Loop thread only, like everything that writes replies.</summary>
    [field: ThreadStatic]
    public static DiscardedOutput Instance => field ??= new DiscardedOutput();

    public void Advance(int count)
    {
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_bytes.Length < sizeHint)
        {
            _bytes = new byte[sizeHint];
        }
        return _bytes;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
