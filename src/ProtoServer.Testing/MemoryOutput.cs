using System.Buffers;

namespace ProtoServer.Testing;

/// <summary>The queue between a <see cref="MemoryTransport"/> and the test that reads it.</summary>
internal sealed class MemoryOutput(Action pauseWriting) : IBufferWriter<byte>
{
    private byte[] _bytes = new byte[256];
    private int _length;
    private int _unread; // of _length; the rest is what the peer has read and the test not yet asked for
    private long _high = 64 * 1024;
    private long _low = 16 * 1024;
    private bool _paused;
    private bool _peerReads = true;

    public bool Ended { get; set; }

    public bool Swallows { get; set; }

    public long WriteBufferSize => _unread;

    public bool PeerReads
    {
        get => _peerReads;
        set
        {
            _peerReads = value;
            _unread = value ? 0 : _unread;
        }
    }

    public void SetLimits(int? highBytes, int? lowBytes)
    {
        long high = highBytes ?? (lowBytes is int low ? 4L * low : 64 * 1024);
        long resume = lowBytes ?? high / 4;
        if (resume < 0 || resume > high)
        {
            throw new ArgumentOutOfRangeException(nameof(lowBytes), resume, $"Limits must satisfy 0 <= low <= high, and high is {high}.");
        }

        _high = high;
        _low = resume;
        PauseAboveHigh();
    }

    public void Write(ReadOnlySpan<byte> data)
    {
        data.CopyTo(GetSpan(data.Length));
        Advance(data.Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        int needed = _length + Math.Max(sizeHint, 1);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, 2 * _bytes.Length));
        }

        return _bytes.AsSpan(_length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        _ = GetSpan(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - _length);
        if (Swallows)
        {
            return;
        }

        if (Ended && count > 0)
        {
            throw new InvalidOperationException("Written after WriteEof; write everything before it.");
        }

        _length += count;
        _unread += PeerReads ? 0 : count;
        PauseAboveHigh();
    }

    public byte[] Read(int maxBytes)
    {
        int count = Math.Min(maxBytes, _length);
        byte[] taken = _bytes[..count];
        Buffer.BlockCopy(_bytes, count, _bytes, 0, _length - count);
        _length -= count;
        _unread = Math.Min(_unread, _length);
        return taken;
    }

    public void Drop()
    {
        _length -= _unread;
        _unread = 0;
    }

    public bool TakeResume()
    {
        if (!_paused || _unread > _low)
        {
            return false;
        }

        _paused = false;
        return true;
    }

    private void PauseAboveHigh()
    {
        if (!_paused && _unread > _high)
        {
            _paused = true;
            pauseWriting();
        }
    }
}
