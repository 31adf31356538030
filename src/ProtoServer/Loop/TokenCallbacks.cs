namespace ProtoServer;

/// <summary>Cancelling a token that users hang callbacks on. Any thread.</summary>
internal static class TokenCallbacks
{
    /// <summary>Cancels, and reports what a callback throws: it is its writer's, and must not keep whoever cancels from going on.</summary>
    /// <remarks>A <see cref="LoopAbortException"/> leaves the loop in its next iteration, if it runs; where there is no run to leave it is reported too.</remarks>
    /// <param name="source">Of the token.</param>
    /// <param name="loop">Reports.</param>
    /// <param name="token">What users call it.</param>
    /// <param name="owner">What it belongs to.</param>
    public static void Cancel(this CancellationTokenSource source, EventLoop loop, string token, object owner)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException thrown)
        {
            // What a linked token's callbacks throw lies in an exception of its own; so may what one callback collected.
            bool leaves = false;
            foreach (Exception exception in thrown.Flatten().InnerExceptions.DefaultIfEmpty(thrown))
            {
                if (!leaves && exception is LoopAbortException leave && loop.IsRunning && !loop.IsClosed)
                {
                    leaves = true;
                    loop.LeaveSoon(leave);
                }
                else
                {
                    Tell(exception, loop, token, owner);
                }
            }
        }
    }

    private static void Tell(Exception exception, EventLoop loop, string token, object owner)
    {
        if (!loop.MayCallDirectly && !loop.IsClosed)
        {
            // The exception handler is called on the loop's thread.
            loop.Post(static call => Tell(call.exception, call.loop, call.token, call.owner), (exception, loop, token, owner));
            return;
        }
        try
        {
            loop.Report("A callback on a token threw.", exception, token, owner);
        }
        catch (LoopAbortException leave) when (loop.IsRunning)
        {
            // The exception handler's own wish, which must not cut short whoever cancels.
            loop.LeaveSoon(leave);
        }
    }
}
