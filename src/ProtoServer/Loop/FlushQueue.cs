namespace ProtoServer;

/// <summary>Something that has bytes to hand to the kernel at the end of the iteration.</summary>
internal interface IFlushable
{
    /// <summary>Sends; must not throw.</summary>
    void Flush();
}

/// <summary>Who wrote in this iteration. Loop thread only; each writer enters itself once.</summary>
internal sealed class FlushQueue
{
    private Entry[] _items = new Entry[64];
    private int _count;

    public bool IsEmpty => _count == 0;

    /// <summary>True inside <see cref="FlushAll"/>: a writer that is asked to flush now sends at once instead of queueing itself.</summary>
    public bool IsFlushing { get; private set; }

    public void Add(IFlushable item)
    {
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, _count * 2);
        }
        _items[_count++].Item = item;
    }

    /// <summary>Flushes those that were entered before this call; one that writes again while flushing waits for the next iteration.</summary>
    public void FlushAll()
    {
        int count = _count;
        if (count == 0)
        {
            return;
        }
        IsFlushing = true;
        int done = 0;
        try
        {
            while (done < count)
            {
                _items[done++].Item.Flush();
            }
        }
        finally
        {
            // Those that entered meanwhile, and, should the loop be left on purpose, those that had no turn.
            IsFlushing = false;
            int left = _count - done;
            Array.Copy(_items, done, _items, 0, left);
            Array.Clear(_items, left, done);
            _count = left;
        }
    }

    /// <summary>Saves the array the check of what it is given.</summary>
    private struct Entry
    {
        public IFlushable Item;
    }
}
