namespace ProtoServer;

/// <summary>Async generators that an event loop looks after.</summary>
public static class AsyncGenerators
{
    /// <summary>Makes the loop know the enumerators of <paramref name="source"/>: those left half-iterated are closed with the loop, and their <c>finally</c> blocks run.</summary>
    /// <remarks>
    /// <c>await foreach</c> closes its enumerator itself; this is for those that are moved by hand or held in a field, which .NET would drop without a word.
    /// An enumerator that is garbage collected while open is closed on the loop, with a warning. Source: asyncio's async generator hooks (PEP 525).
    /// </remarks>
    /// <param name="source">Usually the call of an <c>async IAsyncEnumerable</c> method.</param>
    /// <param name="loop">The loop whose thread enumerates.</param>
    public static IAsyncEnumerable<T> OnLoop<T>(this IAsyncEnumerable<T> source, EventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(loop);
        return new LoopAsyncEnumerable<T>(source, loop);
    }

    extension(EventLoop loop)
    {
        /// <summary>Closes the async generators that are half-iterated and awaits their <c>finally</c> blocks, each for <see cref="EventLoopOptions.ShutdownTimeout"/> at most. <c>EventLoop.Run</c> does this.</summary>
        /// <remarks>What one throws is reported and does not keep the others. A generator begun afterwards is warned of. Loop thread.</remarks>
        public Task ShutdownAsyncGeneratorsAsync()
        {
            loop.VerifyThread();
            return OpenGenerators.Of(loop).ShutdownAsync();
        }
    }

    private sealed class LoopAsyncEnumerable<T>(IAsyncEnumerable<T> source, EventLoop loop) : IAsyncEnumerable<T>
    {
        public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            new LoopAsyncEnumerator<T>(new OpenGenerator<T>(loop, source, cancellationToken));
    }
}
