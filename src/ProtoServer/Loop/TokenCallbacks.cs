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
            foreach (Exception exception in thrown.InnerExceptions)
            {
                loop.Report("A callback on a token threw.", exception, token, owner);
            }
        }
    }
}
