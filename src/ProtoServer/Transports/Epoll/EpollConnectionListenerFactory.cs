using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The epoll transport as the ecosystem sees it: listeners whose connections live on one event loop. Linux only.</summary>
/// <remarks>
/// <see cref="BindAsync"/> completes at once. Any thread, for the listener and for its connections and their pipes too: each connection carries a pair of <see cref="Pipe"/>s between the loop
/// and its user, as a server on the thread pool expects. <c>CreateServer</c> does without them: it stays on the loop.
/// </remarks>
/// <param name="loop">The loop that polls.</param>
/// <param name="options">Null: all defaults.</param>
public sealed class EpollConnectionListenerFactory(EventLoop loop, EpollTransportOptions? options = null) : IConnectionListenerFactory, ILoopTransport
{
    private readonly EpollTransportOptions _options = Validated(options);

    /// <summary>Whether this system has epoll.</summary>
    public static bool IsSupported => EpollPoller.IsSupported;

    /// <summary>Binds and listens on a TCP address.</summary>
    /// <param name="endpoint">An <see cref="IPEndPoint"/>; port 0 picks a free port, see the listener's <see cref="IConnectionListener.EndPoint"/>.</param>
    /// <param name="cancellationToken">Checked on entry.</param>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">Not an IP address.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ILoopListener listener = ((ILoopTransport)this).Bind(endpoint);
        try
        {
            listener.Listen();
        }
        catch
        {
            listener.CloseUnused();
            throw;
        }
        return new ValueTask<IConnectionListener>(new OffLoopListener(loop, listener));
    }

    ILoopListener ILoopTransport.Bind(EndPoint endPoint)
    {
        if (endPoint is not IPEndPoint ip)
        {
            throw new NotSupportedException($"The epoll transport listens on IP addresses, not on {endPoint}.");
        }
        int descriptor = ListeningSocket.Bind(ip, _options);
        return new EpollListener(loop, descriptor, ListeningSocket.LocalEndPoint(descriptor), _options);
    }

    ILoopListener ILoopTransport.Adopt(Socket socket) => SocketTakeover.Take(socket, descriptor => new EpollListener(loop, descriptor, ListeningSocket.Adopt(descriptor, _options), _options));

    private static EpollTransportOptions Validated(EpollTransportOptions? options)
    {
        options ??= EpollTransportOptions.Default;
        options.Validate();
        return options;
    }
}
