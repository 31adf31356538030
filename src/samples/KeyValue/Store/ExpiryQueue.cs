namespace KeyValue.Store;

/// <summary>Deadlines in order. A deadline that was changed or removed stays until its time comes or until half of the queue is such.</summary>
internal sealed class ExpiryQueue
{
    // Below this many it is cheaper to let the stale ones come due.
    private const int SmallestWorthSorting = 1024;

    private readonly PriorityQueue<byte[], long> _queue = new();

    /// <summary>How many deadlines, stale ones included.</summary>
    public int Count => _queue.Count;

    /// <summary>Adds a deadline.</summary>
    /// <param name="key">The entry's own key.</param>
    /// <param name="deadline">Unix time in milliseconds.</param>
    /// <param name="live">How many keys have a deadline now.</param>
    /// <param name="isLive">Whether a key still has this deadline.</param>
    public void Add(byte[] key, long deadline, int live, Func<byte[], long, bool> isLive)
    {
        _queue.Enqueue(key, deadline);
        if (_queue.Count > SmallestWorthSorting && _queue.Count > 2 * live)
        {
            // Distinct, because a key that is given the same date again and again is in the queue as often.
            (byte[] Element, long Priority)[] kept = [.. _queue.UnorderedItems.Where(item => isLive(item.Element, item.Priority)).Distinct()];
            _queue.Clear();
            _queue.EnqueueRange(kept);
        }
    }

    /// <summary>Takes the earliest deadline if it is at or before <paramref name="now"/>.</summary>
    public bool TryTake(long now, out byte[] key, out long deadline)
    {
        if (_queue.TryPeek(out byte[]? first, out deadline) && deadline <= now)
        {
            key = _queue.Dequeue();
            return true;
        }
        key = [];
        return false;
    }

    /// <summary>Removes all.</summary>
    public void Clear() => _queue.Clear();
}
