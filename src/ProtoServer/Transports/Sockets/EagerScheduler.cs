using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>Runs a pipe's continuations on the loop: at once when it is there already, otherwise in its next iteration.</summary>
/// <remarks>For what is bounded by itself, such as sending what was written: it saves the detour through the queue. Not for receiving, where a peer that sends without end would never let the loop go.</remarks>
internal sealed class EagerScheduler(EventLoop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state)
    {
        if (loop.IsLoopThread)
        {
            action(state);
        }
        else
        {
            loop.Scheduler.Schedule(action, state);
        }
    }
}
