using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>Hands a loop's listener to the rest of the world: accepts for callers on any thread, and gives them connections for any thread.</summary>
internal sealed class OffLoopListener(EventLoop loop, ILoopListener inner) : IConnectionListener
{
    public EndPoint EndPoint => inner.EndPoint;

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var accepted = new TaskCompletionSource<ConnectionContext?>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(static call => _ = call.listener.AcceptForAsync(call.accepted, call.cancellationToken), (listener: this, accepted, cancellationToken));
        if (loop.IsClosed)
        {
            // Perhaps it closed before it took the call.
            accepted.TrySetResult(null);
        }
        return new ValueTask<ConnectionContext?>(accepted.Task);
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

    public ValueTask DisposeAsync()
    {
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(static call => _ = call.listener.DisposeForAsync(call.disposed), (listener: this, disposed));
        if (loop.IsClosed)
        {
            // The loop took its listeners with it.
            disposed.TrySetResult();
        }
        return new ValueTask(disposed.Task);
    }

    private async Task AcceptForAsync(TaskCompletionSource<ConnectionContext?> accepted, CancellationToken cancellationToken)
    {
        try
        {
            ConnectionContext? connection = await inner.AcceptAsync(cancellationToken);
            accepted.TrySetResult(connection is null ? null : new OffLoopConnection(loop, connection));
        }
        catch (OperationCanceledException)
        {
            accepted.TrySetCanceled(cancellationToken);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            accepted.TrySetException(exception);
        }
    }

    private async Task DisposeForAsync(TaskCompletionSource disposed)
    {
        try
        {
            await inner.DisposeAsync();
            disposed.TrySetResult();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            disposed.TrySetException(exception);
        }
    }
}
