namespace ProtoServer;

/// <summary>Pending timers, a binary heap by deadline; equal deadlines keep the order in which they were set. Loop thread only.</summary>
/// <remarks>
/// A cancelled timer stays where it is until it comes to the top: cancelling is O(1). When more than half of more than 100 are cancelled,
/// they are swept out together, so they cost memory in proportion to the live ones only.
/// </remarks>
internal sealed class TimerQueue
{
    private const int SweepAbove = 100;

    private readonly PriorityQueue<CallHandle, (long Due, long Sequence)> _heap = new();
    private long _sequence;
    private int _cancelled;

    /// <summary>Entries held, cancelled ones included.</summary>
    public int Count => _heap.Count;

    public void Add(CallHandle handle, long due)
    {
        handle.IsTimer = true;
        _heap.Enqueue(handle, (due, _sequence++));
    }

    /// <summary>The next live deadline, in ticks of the loop's clock.</summary>
    public bool TryPeek(out long due)
    {
        while (_heap.TryPeek(out CallHandle? handle, out (long Due, long) priority))
        {
            if (!handle.IsCancelled)
            {
                due = priority.Due;
                return true;
            }
            _heap.Dequeue();
            _cancelled--;
        }
        due = 0;
        return false;
    }

    /// <summary>Moves what is due at <paramref name="now"/> into <paramref name="ready"/>, earliest first.</summary>
    /// <returns>How many.</returns>
    public int MoveDue(long now, ReadyQueue ready)
    {
        int moved = 0;
        while (TryPeek(out long due) && due <= now)
        {
            CallHandle handle = _heap.Dequeue();
            handle.IsTimer = false;
            handle.ReadySince = due;
            ready.EnqueueMarked(handle);
            moved++;
        }
        return moved;
    }

    /// <summary>Counts a cancelled entry, and sweeps when they are the majority.</summary>
    public void Cancelled()
    {
        _cancelled++;
        if (_heap.Count <= SweepAbove || _cancelled * 2 <= _heap.Count)
        {
            return;
        }
        (CallHandle Element, (long, long) Priority)[] live = [.. _heap.UnorderedItems.Where(static item => !item.Element.IsCancelled)];
        _heap.Clear();
        _heap.EnqueueRange(live);
        _cancelled = 0;
        if (_heap.Count * 4 < _heap.EnsureCapacity(0))
        {
            _heap.TrimExcess();
        }
    }
}
