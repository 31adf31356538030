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

    private static ConnectionServing Handlers(Func<StreamConnection, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return new ConnectionServing((server, connection) => new HandlerConnection(server, connection, handler), "The handler", handler);
    }
}
