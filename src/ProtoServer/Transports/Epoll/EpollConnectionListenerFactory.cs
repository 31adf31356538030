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

    /// <summary>Binds and listens.</summary>
    /// <param name="endpoint">
    /// An <see cref="IPEndPoint"/> (port 0 picks a free port, see the listener's <see cref="IConnectionListener.EndPoint"/>) or a <see cref="UnixDomainSocketEndPoint"/>.
    /// <see cref="IPAddress.IPv6Any"/> serves IPv4 too, as Kestrel's <c>ListenAnyIP</c> and <c>http://*:8080</c> expect; <c>CreateServer</c> binds each family by itself.
    /// </param>
    /// <param name="cancellationToken">Checked on entry.</param>
    /// <exception cref="AddressInUseException">Another server listens there; names the address.</exception>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">Neither an IP address nor a unix socket.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new ValueTask<IConnectionListener>(new OffLoopListener(loop, Listen(endpoint)));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            // What those who use transports look for.
            throw new AddressInUseException(exception.Message, exception);
        }
    }

    ILoopListener ILoopTransport.Bind(EndPoint endPoint) => Bind(endPoint, bothFamilies: false);

    private EpollListener Listen(EndPoint endPoint)
    {
        EpollListener listener = Bind(endPoint, bothFamilies: true);
        try
        {
            listener.Listen();
            return listener;
        }
        catch
        {
            listener.CloseUnused();
            throw;
        }
    }

    private EpollListener Bind(EndPoint endPoint, bool bothFamilies)
    {
        if (endPoint is UnixDomainSocketEndPoint unix)
        {
            UnixSocketFile.MakeRoom(unix);
        }
        int descriptor = ListeningSocket.Bind(endPoint, _options, bothFamilies);
        try
        {
            UnixSocketFile? file = endPoint is UnixDomainSocketEndPoint bound ? UnixSocketFile.Bound(bound, _options.UnixSocketMode) : null;
            return new EpollListener(loop, descriptor, ListeningSocket.LocalEndPoint(descriptor), _options) { File = file };
        }
        catch
        {
            _ = SocketNative.Close(descriptor);
            throw;
        }
    }

    ILoopListener ILoopTransport.Adopt(Socket socket) => SocketTakeover.Take(socket, descriptor => new EpollListener(loop, descriptor, ListeningSocket.Adopt(descriptor, _options), _options));

    private static EpollTransportOptions Validated(EpollTransportOptions? options)
    {
        options ??= EpollTransportOptions.Default;
        options.Validate();
        return options;
    }
}
