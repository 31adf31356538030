using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The epoll transport as the ecosystem sees it: listeners whose connections live on one event loop. Linux only.</summary>
/// <remarks>
/// <see cref="BindAsync"/> may be called on any thread and completes at once. Listener and connections belong to the loop's thread, pipes included:
/// continuations of their reads and flushes run there, inline.
/// </remarks>
/// <param name="loop">The loop that polls.</param>
/// <param name="options">Null: all defaults.</param>
public sealed class EpollConnectionListenerFactory(EventLoop loop, EpollTransportOptions? options = null) : IConnectionListenerFactory
{
    private readonly EpollTransportOptions _options = Validated(options);

    /// <summary>Whether this system has epoll.</summary>
    public static bool IsSupported => EpollPoller.IsSupported;

    /// <summary>Binds and listens on a TCP address.</summary>
    /// <param name="endpoint">An <see cref="IPEndPoint"/>; port 0 picks a free port, see the listener's <see cref="IConnectionListener.EndPoint"/>.</param>
    /// <param name="cancellationToken">Checked on entry.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">Not an IP address.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        EpollListener listener = Bind(endpoint);
        Listen(listener);
        return new ValueTask<IConnectionListener>(listener);
    }

    /// <summary>Binds without listening yet: connects are refused until <see cref="Listen"/>.</summary>
    internal EpollListener Bind(EndPoint endpoint)
    {
        if (endpoint is not IPEndPoint ip)
        {
            throw new NotSupportedException($"The epoll transport listens on IP addresses, not on {endpoint}.");
        }
        int descriptor = ListeningSocket.Bind(ip, _options);
        return new EpollListener(loop, descriptor, ListeningSocket.LocalEndPoint(descriptor), _options);
    }

    /// <summary>Takes over a listening or bound descriptor from elsewhere.</summary>
    internal EpollListener Adopt(int descriptor) => new(loop, descriptor, ListeningSocket.Adopt(descriptor), _options);

    internal void Listen(EpollListener listener)
    {
        try
        {
            ListeningSocket.Listen(listener.Descriptor, listener.EndPoint, _options.Backlog);
        }
        catch
        {
            listener.CloseUnused();
            throw;
        }
    }

    private static EpollTransportOptions Validated(EpollTransportOptions? options)
    {
        options ??= EpollTransportOptions.Default;
        options.Validate();
        return options;
    }
}
