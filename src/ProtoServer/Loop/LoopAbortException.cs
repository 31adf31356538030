namespace ProtoServer;

/// <summary>Leaves the loop at once: thrown from a callback, it comes out of <see cref="EventLoop.RunForever"/> instead of going to the exception handler.</summary>
/// <remarks>The loop itself stays usable: calls that were ready run when it runs again. asyncio gives this meaning to SystemExit and KeyboardInterrupt.</remarks>
public class LoopAbortException : Exception
{
    /// <summary>Says why the loop is left.</summary>
    public LoopAbortException(string message) : base(message)
    {
    }

    /// <summary>Says why the loop is left, and what caused it.</summary>
    public LoopAbortException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>The loop was left on purpose.</summary>
    public LoopAbortException() : this("The event loop was left on purpose.")
    {
    }
}
