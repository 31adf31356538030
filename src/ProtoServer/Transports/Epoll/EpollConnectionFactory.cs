using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The connecting side of the epoll transport as the ecosystem sees it: connections that live on one event loop. Linux only.</summary>
/// <remarks>
/// Any thread, for the connections and their pipes too: each carries a pair of <see cref="Pipe"/>s between the loop and its user. <c>CreateConnectionAsync</c> does without them: it stays on the loop.
/// This neither resolves names nor gives up by itself: <c>CreateConnectionAsync</c> does both.
/// </remarks>
/// <param name="loop">The loop that polls.</param>
/// <param name="options">Null: all defaults. What concerns listening has no effect.</param>
public sealed class EpollConnectionFactory(EventLoop loop, EpollTransportOptions? options = null) : IConnectionFactory, ILoopConnector
{
    private readonly EpollTransportOptions _options = Validated(options);

    /// <summary>Where connections come from: an address of this machine, port 0 for any port. Default null: the kernel chooses.</summary>
    public IPEndPoint? LocalEndPoint { get; init; }

    /// <summary>Connects to an address.</summary>
    /// <param name="endpoint">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up; the descriptor is closed before the task ends.</param>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">Neither an IP address nor a unix socket.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
        cancellationToken.ThrowIfCancellationRequested();
        var result = new TaskCompletionSource<ConnectionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(static call => _ = call.self.ConnectForAsync(call.endpoint, call.result, call.cancellationToken), (self: this, endpoint, result, cancellationToken));
        if (loop.IsClosed)
        {
            // Perhaps it closed before it took the call.
            result.TrySetException(new ObjectDisposedException(nameof(EventLoop)));
        }
        return await result.Task.ConfigureAwait(false);
    }

    Task<ConnectionContext> ILoopConnector.ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var attempt = new EpollConnectAttempt(loop, endPoint, LocalEndPoint, _options, cancellationToken);
        attempt.Start();
        return attempt.Task;
    }

    ConnectionContext ILoopConnector.Adopt(Socket socket)
    {
        EndPoint? remote = socket.RemoteEndPoint;
        return SocketTakeover.Take(socket, descriptor =>
        {
            ListeningSocket.MakeNonBlocking(descriptor);
            ConnectingSocket.Prepare(descriptor, remote, _options);
            return new EpollConnection(EpollLoop.Of(loop), descriptor, _options, default, null) { RemoteEndPoint = remote };
        });
    }

    private async Task ConnectForAsync(EndPoint endPoint, TaskCompletionSource<ConnectionContext> result, CancellationToken cancellationToken)
    {
        try
        {
            result.TrySetResult(new OffLoopConnection(loop, await ((ILoopConnector)this).ConnectAsync(endPoint, cancellationToken)));
        }
        catch (OperationCanceledException)
        {
            result.TrySetCanceled(cancellationToken);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            result.TrySetException(exception);
        }
    }

    private static EpollTransportOptions Validated(EpollTransportOptions? options)
    {
        options ??= EpollTransportOptions.Default;
        options.Validate();
        return options;
    }
}
