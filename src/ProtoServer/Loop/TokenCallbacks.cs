namespace ProtoServer;

/// <summary>Cancelling a token that users hang callbacks on. Any thread.</summary>
internal static class TokenCallbacks
{
    /// <summary>Cancels, and reports what a callback throws: it is its writer's, and must not keep whoever cancels from going on.</summary>
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
            // What a linked token's callbacks throw lies in an exception of its own.
            foreach (Exception exception in thrown.Flatten().InnerExceptions)
            {
                Tell(exception, loop, token, owner);
            }
        }
    }

    private static void Tell(Exception exception, EventLoop loop, string token, object owner)
    {
        if (exception is LoopAbortException leave)
        {
            loop.LeaveSoon(leave);
        }
        else if (loop.IsLoopThread || loop.IsClosed)
        {
            loop.Report("A callback on a token threw.", exception, token, owner);
        }
        else
        {
            // The exception handler is called on the loop's thread.
            loop.Post(static call => Tell(call.exception, call.loop, call.token, call.owner), (exception, loop, token, owner));
        }
    }
}
