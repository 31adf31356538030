using System.IO.Pipelines;

namespace ProtoServer;

/// <summary>Runs a pipe's continuations on the loop.</summary>
internal sealed class LoopPipeScheduler(EventLoop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state) => loop.Post(static call => call.action(call.state), (action, state));
}
