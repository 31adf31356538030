namespace ProtoServer;

/// <summary>Calls from other threads on their way to the loop: many writers, one reader, no lock.</summary>
/// <remarks>
/// A stack by compare-and-swap, taken whole and turned round by the loop. <see cref="_parked"/> is what keeps wake-ups down to one a batch: it is set while
/// the loop sleeps or is about to, and whoever clears it wakes the poller.
/// </remarks>
internal sealed class Inbox
{
    private CallHandle? _newest;
    private int _parked;

    public bool IsEmpty => Volatile.Read(ref _newest) is null;

    /// <summary>Any thread. Returns true when the caller has to wake the poller.</summary>
    public bool Add(CallHandle handle)
    {
        CallHandle? seen = Volatile.Read(ref _newest);
        while (true)
        {
            handle.NextInInbox = seen;
            CallHandle? found = Interlocked.CompareExchange(ref _newest, handle, seen);
            if (found == seen)
            {
                return ClaimWake();
            }
            seen = found;
        }
    }

    /// <summary>Any thread. True for exactly one caller per sleep of the loop.</summary>
    public bool ClaimWake() => Volatile.Read(ref _parked) == 1 && Interlocked.Exchange(ref _parked, 0) == 1;

    /// <summary>Loop thread: announces a sleep. Returns false when something came in meanwhile: do not sleep then.</summary>
    public bool TryPark()
    {
        // A full fence between this store and the read below, as the compare-and-swap in Add is one between its store and its read:
        // either the writer sees us parked, or we see its handle.
        Interlocked.Exchange(ref _parked, 1);
        if (IsEmpty)
        {
            return true;
        }
        Volatile.Write(ref _parked, 0);
        return false;
    }

    /// <summary>Loop thread: awake again.</summary>
    public void Unpark() => Volatile.Write(ref _parked, 0);

    /// <summary>Loop thread: moves everything into <paramref name="ready"/>, oldest first.</summary>
    public void DrainTo(ReadyQueue ready)
    {
        if (IsEmpty)
        {
            return;
        }
        CallHandle? oldest = null;
        CallHandle? next = Interlocked.Exchange(ref _newest, null);
        while (next is not null)
        {
            (next.NextInInbox, oldest, next) = (oldest, next, next.NextInInbox);
        }
        while (oldest is not null)
        {
            CallHandle handle = oldest;
            oldest = handle.NextInInbox;
            handle.NextInInbox = null;
            ready.EnqueueMarked(handle);
        }
    }
}
