namespace ProtoServer;

/// <summary>The calls that are ready to run, first in, first out. Loop thread only.</summary>
internal sealed class ReadyQueue
{
    private CallHandle?[] _ring = new CallHandle?[64];
    private int _head;
    private int _unmarked; // at the tail: whose wait has begun, but not been given a time

    public int Count { get; private set; }

    public void Enqueue(CallHandle handle)
    {
        Add(handle);
        _unmarked++;
    }

    /// <summary>Adds a call that knows since when it is ready. All others must have been marked.</summary>
    public void EnqueueMarked(CallHandle handle) => Add(handle);

    /// <summary>The calls added since the last mark are ready since <paramref name="now"/>: so the clock is read once for all of them, and not for each.</summary>
    public void MarkSince(long now)
    {
        for (; _unmarked > 0; _unmarked--)
        {
            _ring[(_head + Count - _unmarked) & (_ring.Length - 1)]!.ReadySince = now;
        }
    }

    public CallHandle Dequeue()
    {
        ref CallHandle? slot = ref _ring[_head];
        CallHandle handle = slot!;
        slot = null;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        if (_unmarked > Count)
        {
            _unmarked = Count;
        }
        return handle;
    }

    private void Add(CallHandle handle)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }
        _ring[(_head + Count) & (_ring.Length - 1)] = handle;
        Count++;
    }

    private void Grow()
    {
        var larger = new CallHandle?[_ring.Length * 2];
        int first = _ring.Length - _head;
        Array.Copy(_ring, _head, larger, 0, first);
        Array.Copy(_ring, 0, larger, first, _head);
        _ring = larger;
        _head = 0;
    }
}
