using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The connecting side of the epoll transport: connections that live on one event loop. Linux only.</summary>
/// <remarks>
/// <see cref="ConnectAsync"/> may be called on any thread; called on the loop's it makes no other thread wait or work. The connection belongs to the loop's thread, pipes included.
/// It neither resolves names nor gives up by itself: <c>CreateConnectionAsync</c> does both.
/// </remarks>
/// <param name="loop">The loop that polls.</param>
/// <param name="options">Null: all defaults. What concerns listening has no effect.</param>
public sealed class EpollConnectionFactory(EventLoop loop, EpollTransportOptions? options = null) : IConnectionFactory
{
    private readonly EpollTransportOptions _options = Validated(options);

    /// <summary>Where connections come from: an address of this machine, port 0 for any port. Default null: the kernel chooses.</summary>
    public IPEndPoint? LocalEndPoint { get; init; }

    /// <summary>Connects to an address.</summary>
    /// <param name="endpoint">An <see cref="IPEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up; the descriptor is closed before the task ends.</param>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">Neither an IP address nor a unix socket.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
        var attempt = new EpollConnectAttempt(loop, endpoint, LocalEndPoint, _options, cancellationToken);
        if (loop.IsLoopThread)
        {
            attempt.Start();
        }
        else
        {
            loop.Post(static attempt => attempt.Start(), attempt);
        }
        return new ValueTask<ConnectionContext>(attempt.Task);
    }

    /// <summary>Takes over a connected descriptor from elsewhere. Loop thread.</summary>
    /// <exception cref="ArgumentException">Not a stream socket.</exception>
    internal EpollConnection Adopt(int descriptor, EndPoint? remoteEndPoint)
    {
        _ = ListeningSocket.Adopt(descriptor);
        ConnectingSocket.Prepare(descriptor, remoteEndPoint, _options);
        return new EpollConnection(EpollLoop.Of(loop), descriptor, _options, default, null) { RemoteEndPoint = remoteEndPoint };
    }

    private static EpollTransportOptions Validated(EpollTransportOptions? options)
    {
        options ??= EpollTransportOptions.Default;
        options.Validate();
        return options;
    }
}
