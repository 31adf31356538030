namespace ProtoServer;

/// <summary>Brings an <c>await</c> back to its loop.</summary>
internal sealed class LoopSynchronizationContext(EventLoop loop) : SynchronizationContext
{
    public EventLoop Loop { get; } = loop;

    public override void Post(SendOrPostCallback d, object? state) => Loop.Post(static call => call.d(call.state), (d, state));

    /// <summary>Runs <paramref name="d"/> on the loop and waits for it; inline when already there.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Loop.IsLoopThread)
        {
            d(state);
            return;
        }
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.CallSoonThreadSafe(() =>
        {
            try
            {
                d(state);
                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        done.Task.GetAwaiter().GetResult();
    }

    public override SynchronizationContext CreateCopy() => this;
}
