using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>Level-triggered epoll. Loop thread only, but for <see cref="Wake"/>.</summary>
/// <remarks>
/// Some facts about epoll. A closed descriptor leaves the set by itself, but an event for it may already lie in the batch that is being dispatched, and its number
/// may have been given to a new connection: so the event carries a slot and the slot's generation, never the descriptor. EPOLLERR and EPOLLHUP are reported whether
/// asked for or not, and cannot be masked: who cannot act on them must take its descriptor out of the set. The wake-up descriptor is edge-triggered, so
/// that it need not be read: each write is a new edge.
/// </remarks>
internal sealed unsafe class EpollPoller : Poller
{
    // One batch: enough that 1000 busy connections need few calls, few enough that what they wrote still lies in the cache when it is flushed.
    private const int MaxEvents = 256;

    // epoll_wait takes whole milliseconds; up to here a sleep is timed by epoll_pwait2 (Linux 5.11, glibc 2.35) instead, which takes nanoseconds.
    private const long PreciseBelow = 10 * TimeSpan.TicksPerSecond;

    private static bool s_canWaitPrecisely = true;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly byte* _events;
    private readonly Lock _wakeGate = new();
    private Slot[] _slots = new Slot[64];
    private int _slotsUsed;
    private int _freeSlot = -1;
    private bool _disposed;

    public EpollPoller()
    {
        _epoll = EpollNative.Create(EpollNative.CloseOnExec);
        if (_epoll < 0)
        {
            throw Failure("epoll_create1");
        }
        _wake = EpollNative.EventFd(0, EpollNative.CloseOnExec | EpollNative.NonBlocking);
        if (_wake < 0)
        {
            Exception failure = Failure("eventfd");
            _ = EpollNative.Close(_epoll);
            throw failure;
        }
        _events = (byte*)NativeMemory.Alloc(MaxEvents, (nuint)EpollNative.EventSize);
        Register(_wake, EpollNative.In | EpollNative.EdgeTriggered, new WakeHandler());
    }

    public static bool IsSupported => OperatingSystem.IsLinux();

    public override IEnumerable<IPollHandler> Handlers => [.. _slots.Select(static slot => slot.Handler).OfType<IPollHandler>()];

    // The kernel hands out what is ready in turn, a batch at a time.
    public override int PollsPerRound => 1 + (_slotsUsed / MaxEvents);

    /// <summary>Begins to watch <paramref name="fd"/>.</summary>
    /// <returns>The slot, to be given to the other calls.</returns>
    /// <exception cref="Win32Exception">The kernel refused: ENOSPC (fs.epoll.max_user_watches), ENOMEM.</exception>
    public int Register(int fd, uint events, IPollHandler handler)
    {
        int slot = TakeSlot();
        _slots[slot].Handler = handler;
        if (!TryControl(EpollNative.Add, slot, fd, events))
        {
            Exception failure = Failure("epoll_ctl");
            Release(slot);
            throw failure;
        }
        return slot;
    }

    /// <summary>Changes what is watched for. Errors and hang-ups are always reported.</summary>
    public void Modify(int slot, int fd, uint events) => Control(EpollNative.Modify, slot, fd, events);

    /// <summary>Takes the descriptor out of the set, keeping the slot: not even a hang-up is reported until <see cref="Resume"/>.</summary>
    public void Suspend(int slot, int fd) => Control(EpollNative.Delete, slot, fd, 0);

    /// <summary>Puts a suspended descriptor back.</summary>
    public void Resume(int slot, int fd, uint events) => Control(EpollNative.Add, slot, fd, events);

    /// <summary>Gives the slot up: events still on their way to it are dropped. The caller closes the descriptor, which takes it out of the set.</summary>
    public void Release(int slot)
    {
        ref Slot released = ref _slots[slot];
        released.Handler = null;
        released.Generation++;
        released.NextFree = _freeSlot;
        _freeSlot = slot;
    }

    public override int Poll(EventLoop loop, long timeout)
    {
        int count = Wait(timeout);
        if (timeout != 0)
        {
            loop.WakeUp();
        }
        int next = 0;
        while (next < count)
        {
            try
            {
                while (next < count)
                {
                    byte* @event = _events + (next++ * EpollNative.EventSize);
                    ulong data = Unsafe.ReadUnaligned<ulong>(@event + EpollNative.DataOffset);
                    ref Slot slot = ref _slots[(uint)data];
                    if (slot.Generation == (uint)(data >> 32) && slot.Handler is { } handler)
                    {
                        loop.Dispatch(handler, Unsafe.ReadUnaligned<uint>(@event));
                    }
                }
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                // Level-triggered: what is left undone is reported again by the next poll.
                loop.Report("An I/O callback threw.", exception, null, null);
            }
        }
        return count;
    }

    public override void Wake()
    {
        ulong one = 1;
        // Against a loop that is closed meanwhile: the number may be somebody else's file by then.
        lock (_wakeGate)
        {
            if (!_disposed)
            {
                // EAGAIN (the counter is full) still leaves the descriptor readable; nothing else can fail here.
                _ = EpollNative.Write(_wake, &one, sizeof(ulong));
            }
        }
    }

    public override void Dispose()
    {
        lock (_wakeGate)
        {
            _disposed = true;
            _ = EpollNative.Close(_wake);
        }
        _ = EpollNative.Close(_epoll);
        NativeMemory.Free(_events);
    }

    private static Win32Exception Failure(string call) => Failure(call, Marshal.GetLastPInvokeError());

    private static Win32Exception Failure(string call, int errno) => new(errno, $"{call}: {Marshal.GetPInvokeErrorMessage(errno)}");

    private int Wait(long timeout)
    {
        int count;
        if (timeout > 0 && timeout < PreciseBelow && Volatile.Read(ref s_canWaitPrecisely))
        {
            var span = new EpollNative.Timespec { Seconds = timeout / TimeSpan.TicksPerSecond, Nanoseconds = timeout % TimeSpan.TicksPerSecond * 100 };
            try
            {
                count = EpollNative.WaitPrecisely(_epoll, _events, MaxEvents, &span, null);
            }
            catch (EntryPointNotFoundException)
            {
                Volatile.Write(ref s_canWaitPrecisely, false);
                return Wait(timeout);
            }
            if (count < 0 && Marshal.GetLastSystemError() is 38 or 1) // ENOSYS, or EPERM from an old container's filter
            {
                Volatile.Write(ref s_canWaitPrecisely, false);
                return Wait(timeout);
            }
        }
        else
        {
            // Rounded up: a timer never fires early, and a rest below one millisecond does not become a spin.
            int milliseconds = timeout < 0 ? -1 : (int)Math.Min(int.MaxValue, (timeout + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
            count = EpollNative.Wait(_epoll, _events, MaxEvents, milliseconds);
        }
        if (count < 0)
        {
            int errno = Marshal.GetLastSystemError();
            return errno == EpollNative.Interrupted ? 0 : throw new LoopAbortException("The kernel refused to poll.", Failure("epoll_wait", errno));
        }
        return count;
    }

    private void Control(int operation, int slot, int fd, uint events)
    {
        if (!TryControl(operation, slot, fd, events))
        {
            throw Failure("epoll_ctl");
        }
    }

    private bool TryControl(int operation, int slot, int fd, uint events)
    {
        byte* @event = stackalloc byte[16];
        Unsafe.WriteUnaligned(@event, events);
        Unsafe.WriteUnaligned(@event + EpollNative.DataOffset, ((ulong)_slots[slot].Generation << 32) | (uint)slot);
        return EpollNative.Control(_epoll, operation, fd, @event) == 0;
    }

    private int TakeSlot()
    {
        if (_freeSlot >= 0)
        {
            int slot = _freeSlot;
            _freeSlot = _slots[slot].NextFree;
            return slot;
        }
        if (_slotsUsed == _slots.Length)
        {
            Array.Resize(ref _slots, _slotsUsed * 2);
        }
        return _slotsUsed++;
    }

    private struct Slot
    {
        public IPollHandler? Handler;
        public uint Generation;
        public int NextFree;
    }

    /// <summary>Being woken is the whole effect.</summary>
    private sealed class WakeHandler : IPollHandler
    {
        public void OnReady(uint events)
        {
        }

        public void OnLoopClosing()
        {
        }
    }
}
