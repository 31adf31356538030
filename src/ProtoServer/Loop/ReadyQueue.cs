namespace ProtoServer;

/// <summary>The calls that are ready to run, first in, first out. Loop thread only.</summary>
internal sealed class ReadyQueue
{
    private CallHandle?[] _ring = new CallHandle?[64];
    private int _head;

    public int Count { get; private set; }

    public void Enqueue(CallHandle handle)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }
        _ring[(_head + Count) & (_ring.Length - 1)] = handle;
        Count++;
    }

    public CallHandle Dequeue()
    {
        ref CallHandle? slot = ref _ring[_head];
        CallHandle handle = slot!;
        slot = null;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        return handle;
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
