using System.Runtime.CompilerServices;

namespace ProtoServer;

/// <summary>Awaited, it goes on in the loop's next iteration, whatever thread or context it was awaited in. <see cref="Task.Yield"/> does so only on the loop already.</summary>
internal readonly struct LoopTurn(EventLoop loop) : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public LoopTurn GetAwaiter() => this;

    public void GetResult()
    {
    }

    // The state machine that awaits carries its own context: there is nothing to capture here.
    public void OnCompleted(Action continuation) => loop.Post(static action => action(), continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Post(static action => action(), continuation);
}
