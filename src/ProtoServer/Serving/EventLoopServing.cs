using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace ProtoServer;

/// <summary><c>CreateServer</c> on an event loop.</summary>
public static class EventLoopServing
{
    /// <summary>Listens on a TCP address; each accepted connection gets a protocol from <paramref name="protocolFactory"/>. Any thread.</summary>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="host">An address or a name; null or empty: every IPv4 and IPv6 address of the machine. A name is resolved while the caller waits.</param>
    /// <param name="port">0 picks a free port, the same in both families: see <see cref="Server.Port"/>.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <returns>A server that listens already, unless <see cref="ServerOptions.StartServing"/> is false.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The port is not 0 to 65535, or an option is out of its range.</exception>
    /// <exception cref="SocketException">Names the address and the reason; whatever was bound so far is released.</exception>
    /// <exception cref="InvalidOperationException"><see cref="ServerOptions.Transport"/> does not bind at once: use <see cref="CreateServerAsync(EventLoop, Func{IProtocol}, string?, int, ServerOptions?, CancellationToken)"/>.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    [OverloadResolutionPriority(1)] // a literal null is a host, not a list of hosts
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, string? host, int port, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, [host], port, options);

    /// <summary>Listens on several hosts at one port; an address that comes up twice is bound once.</summary>
    /// <inheritdoc cref="CreateServer(EventLoop, Func{IProtocol}, string?, int, ServerOptions?)"/>
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, IEnumerable<string?> hosts, int port, ServerOptions? options = null) =>
        ServerBinding.Create(loop, Protocols(protocolFactory), hosts, port, options);

    /// <summary>Listens on an address of whatever kind <see cref="ServerOptions.Transport"/> knows: a named pipe, say.</summary>
    /// <inheritdoc cref="CreateServer(EventLoop, Func{IProtocol}, string?, int, ServerOptions?)"/>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="endPoint">The address.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <exception cref="NotSupportedException">The transport does not know addresses of this kind.</exception>
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, EndPoint endPoint, ServerOptions? options = null) =>
        ServerBinding.Create(loop, Protocols(protocolFactory), endPoint, options);

    /// <summary>Serves on a socket that is bound already, and perhaps listening. The server owns it from now on, and closes it; the object given is of no use afterwards. The file of a unix socket stays: it is its owner's.</summary>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="socket">A bound stream socket.</param>
    /// <param name="options">Null: all defaults. What concerns binding has no effect; <see cref="ServerOptions.Transport"/> must be null.</param>
    /// <exception cref="ArgumentException">Not a bound stream socket.</exception>
    /// <exception cref="ObjectDisposedException">The loop, or the socket, is closed.</exception>
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, Socket socket, ServerOptions? options = null) =>
        ServerBinding.Create(loop, Protocols(protocolFactory), socket, options);

    /// <summary>As <see cref="CreateServer(EventLoop, Func{IProtocol}, string?, int, ServerOptions?)"/>, waiting for the name to be resolved and for a transport that does not bind at once.</summary>
    /// <inheritdoc cref="CreateServer(EventLoop, Func{IProtocol}, string?, int, ServerOptions?)"/>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="host">An address or a name; null or empty: every IPv4 and IPv6 address of the machine.</param>
    /// <param name="port">0 picks a free port, the same in both families: see <see cref="Server.Port"/>.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was bound so far is released.</param>
    public static Task<Server> CreateServerAsync(
        this EventLoop loop, Func<IProtocol> protocolFactory, string? host, int port, ServerOptions? options = null, CancellationToken cancellationToken = default) =>
        ServerBinding.CreateAsync(loop, Protocols(protocolFactory), [host], port, options, cancellationToken);

    /// <summary>As <see cref="CreateServer(EventLoop, Func{IProtocol}, EndPoint, ServerOptions?)"/>, for a transport that does not bind at once.</summary>
    /// <inheritdoc cref="CreateServer(EventLoop, Func{IProtocol}, EndPoint, ServerOptions?)"/>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="endPoint">The address.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was bound so far is released.</param>
    public static Task<Server> CreateServerAsync(
        this EventLoop loop, Func<IProtocol> protocolFactory, EndPoint endPoint, ServerOptions? options = null, CancellationToken cancellationToken = default) =>
        ServerBinding.CreateAsync(loop, Protocols(protocolFactory), endPoint, options, cancellationToken);

    internal static ConnectionServing Protocols(Func<IProtocol> protocolFactory)
    {
        ArgumentNullException.ThrowIfNull(protocolFactory);
        return new ConnectionServing(
            (server, connection) => new ProtocolConnection(server.Loop, connection, protocolFactory() ?? throw new InvalidOperationException("The protocol factory returned null."), server),
            "The protocol factory",
            protocolFactory);
    }
}
