using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>A transport that hangs at one step of its listener's end.</summary>
public sealed class HungListener(HungListener.Step step) : IConnectionListenerFactory, IConnectionListener
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ConnectionContext?> _accepting = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>An accept is pending.</summary>
    public Task Asked => _asked.Task;

    public enum Step
    {
        /// <summary>The pending accept stays so.</summary>
        Accept,

        Unbind,

        Dispose,
    }

    public EndPoint EndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 1);

    public void Hand(ConnectionContext connection) => _accepting.SetResult(connection);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        _asked.TrySetResult();
        return new(_accepting.Task);
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (step != Step.Accept)
        {
            _accepting.TrySetResult(null);
        }
        return step == Step.Unbind ? Never() : ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => step == Step.Dispose ? Never() : ValueTask.CompletedTask;

    private static ValueTask Never() => new(new TaskCompletionSource().Task);
}
