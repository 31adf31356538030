using System.Net;

namespace ProtoServer;

/// <summary><c>StartServer</c> and <c>OpenConnectionAsync</c> on an event loop: connections for code that awaits.</summary>
public static class EventLoopStreams
{
    /// <summary>Listens on a TCP address; <paramref name="handler"/> runs once per connection, on the loop. Any thread.</summary>
    /// <remarks>
    /// When the handler's task ends, what it wrote is sent and its connection closes. A handler that throws is reported and its connection aborted; a <see cref="ProtocolViolationException"/>, or the
    /// connection's own failure, is no fault of the handler's and only logged at Debug. <see cref="Server.ShutdownAsync"/> first cancels, see <see cref="StreamConnection.ShutdownToken"/>, then aborts.
    /// Source: asyncio's <c>start_server</c>.
    /// </remarks>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="handler">Called on the loop.</param>
    /// <param name="host">An address or a name; null or empty: every IPv4 and IPv6 address of the machine. A name is resolved while the caller waits.</param>
    /// <param name="port">0 picks a free port: see <see cref="Server.Port"/>.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Names the address and the reason; whatever was bound so far is released.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public static Server StartServer(this EventLoop loop, Func<StreamConnection, Task> handler, string? host, int port, ServerOptions? options = null) =>
        ServerBinding.Create(loop, Handlers(handler), [host], port, options);

    /// <summary>Listens on an address of whatever kind the transport knows.</summary>
    /// <inheritdoc cref="StartServer(EventLoop, Func{StreamConnection, Task}, string?, int, ServerOptions?)"/>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="handler">Called on the loop.</param>
    /// <param name="endPoint">The address.</param>
    /// <param name="options">Null: all defaults.</param>
    public static Server StartServer(this EventLoop loop, Func<StreamConnection, Task> handler, EndPoint endPoint, ServerOptions? options = null) =>
        ServerBinding.Create(loop, Handlers(handler), endPoint, options);

    /// <summary>Connects to a TCP server, as <see cref="EventLoopConnecting.CreateConnectionAsync{TProtocol}(EventLoop, Func{TProtocol}, string, int, ClientOptions?, CancellationToken)"/> does. Any thread.</summary>
    /// <remarks>Awaited on the loop, the connection may be used at once; awaited elsewhere, go to the loop with it. Source: asyncio's <c>open_connection</c>.</remarks>
    /// <param name="loop">The loop that the connection lives on.</param>
    /// <param name="host">An address or a name.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was opened is closed.</param>
    /// <returns>The connection; dispose it to close it.</returns>
    /// <exception cref="ConnectException">Lists each address that was tried, with its reason.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed, or was while connecting.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static Task<StreamConnection> OpenConnectionAsync(this EventLoop loop, string host, int port, ClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        Connecting<StreamConnection> connecting = EventLoopConnecting.Prepare(loop, (connection, given) => new StreamConnection(loop, connection, given), options, cancellationToken);
        return connecting.RunAsync(end => connecting.ConnectAsync(host, port, end), $"{host} port {port}");
    }

    /// <summary>Connects to an address. Any thread.</summary>
    /// <inheritdoc cref="OpenConnectionAsync(EventLoop, string, int, ClientOptions?, CancellationToken)"/>
    /// <param name="loop">The loop that the connection lives on.</param>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, a <see cref="DnsEndPoint"/>, or whatever <see cref="ClientOptions.Transport"/> knows.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was opened is closed.</param>
    public static Task<StreamConnection> OpenConnectionAsync(this EventLoop loop, EndPoint endPoint, ClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (endPoint is DnsEndPoint name)
        {
            return loop.OpenConnectionAsync(name.Host, name.Port, options, cancellationToken);
        }
        Connecting<StreamConnection> connecting = EventLoopConnecting.Prepare(loop, (connection, given) => new StreamConnection(loop, connection, given), options, cancellationToken);
        return connecting.RunAsync(end => connecting.ConnectAsync([endPoint], endPoint.ToString()!, end), endPoint.ToString()!);
    }

    private static ConnectionServing Handlers(Func<StreamConnection, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return new ConnectionServing((server, connection) => new HandlerConnection(server, connection, handler), "The handler", handler);
    }
}
