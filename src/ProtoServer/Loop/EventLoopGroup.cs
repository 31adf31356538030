namespace ProtoServer;

/// <summary>Several loops, each with a thread of its own, that share nothing: how one process uses many cores.</summary>
/// <remarks>
/// Any thread. A connection lives on one loop from beginning to end, so a protocol still needs no lock; what protocols of several loops share must be safe for threads.
/// </remarks>
public sealed class EventLoopGroup : IDisposable
{
    private readonly EventLoop[] _loops;
    private uint _next;

    private EventLoopGroup(EventLoop[] loops) => _loops = loops;

    /// <summary>The loops, running.</summary>
    public IReadOnlyList<EventLoop> Loops => _loops;

    /// <summary>Starts the loops.</summary>
    /// <param name="count">How many, 1 to 1024; 0, the default, makes one for each core that the process may use.</param>
    /// <param name="options">For each of them; its <see cref="EventLoopOptions.Name"/> gets a number. Null: all defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count, or an option, is out of its range.</exception>
    public static EventLoopGroup Start(int count = 0, EventLoopOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1024);
        var loops = new List<EventLoop>();
        try
        {
            for (int number = 1; number <= (count == 0 ? Environment.ProcessorCount : count); number++)
            {
                loops.Add(EventLoop.Start(options?.Name is { } name ? options.Named($"{name} {number}") : options));
            }
        }
        catch
        {
            loops.ForEach(static loop => loop.Dispose());
            throw;
        }
        return new EventLoopGroup([.. loops]);
    }

    /// <summary>The loops in turn: for connections that are made rather than accepted.</summary>
    public EventLoop Next() => _loops[(Interlocked.Increment(ref _next) - 1) % (uint)_loops.Length];

    /// <summary>Closes every loop, as <see cref="EventLoop.Dispose"/> does: what is open is aborted. Shut servers down first.</summary>
    /// <exception cref="InvalidOperationException">On the thread of one of the loops.</exception>
    public void Dispose()
    {
        if (EventLoop.Current is { } current && _loops.Contains(current))
        {
            throw new InvalidOperationException("A group cannot be closed from a thread of its own loops: close it where it was started.");
        }
        foreach (EventLoop loop in _loops)
        {
            loop.Dispose();
        }
    }
}
