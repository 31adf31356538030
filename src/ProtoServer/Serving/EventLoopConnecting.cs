using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary><c>CreateConnectionAsync</c> on an event loop.</summary>
public static class EventLoopConnecting
{
    /// <summary>Connects to a TCP server and puts a protocol on the connection, as a server does on those that it accepts. Any thread.</summary>
    /// <remarks>
    /// A name is resolved on a pool thread; several addresses are tried as RFC 8305 (Happy Eyeballs) says. <see cref="IProtocol.ConnectionMade"/> has returned when the task completes.
    /// Awaited on the loop, the transport may be used at once; awaited elsewhere, go to the loop with it: <see cref="EventLoop.CallSoonThreadSafe(Action)"/>.
    /// Source: asyncio's <see href="https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_connection">create_connection</see>.
    /// </remarks>
    /// <param name="loop">The loop that the connection lives on.</param>
    /// <param name="protocolFactory">Called on the loop, once the connection is up. What it throws is thrown here, and the connection is closed.</param>
    /// <param name="host">An address or a name.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was opened is closed.</param>
    /// <returns>The transport, and the protocol that the factory made.</returns>
    /// <exception cref="ConnectException">Lists each address that was tried, with its reason: refused, unreachable, no answer within <see cref="ClientOptions.ConnectTimeout"/>. Also: the name has no address.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port, or an option, is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed, or was while connecting.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static Task<(ITransport Transport, TProtocol Protocol)> CreateConnectionAsync<TProtocol>(
        this EventLoop loop, Func<TProtocol> protocolFactory, string host, int port, ClientOptions? options = null, CancellationToken cancellationToken = default)
        where TProtocol : IProtocol
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        Connecting<(ITransport Transport, TProtocol Protocol)> connecting = Prepare(loop, protocolFactory, options, cancellationToken);
        return connecting.RunAsync(end => connecting.ConnectAsync(host, port, end), $"{host} port {port}");
    }

    /// <summary>Connects to an address. Any thread.</summary>
    /// <inheritdoc cref="CreateConnectionAsync{TProtocol}(EventLoop, Func{TProtocol}, string, int, ClientOptions?, CancellationToken)"/>
    /// <param name="loop">The loop that the connection lives on.</param>
    /// <param name="protocolFactory">Called on the loop, once the connection is up. What it throws is thrown here, and the connection is closed.</param>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, a <see cref="DnsEndPoint"/>, or whatever <see cref="ClientOptions.Transport"/> knows.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was opened is closed.</param>
    public static Task<(ITransport Transport, TProtocol Protocol)> CreateConnectionAsync<TProtocol>(
        this EventLoop loop, Func<TProtocol> protocolFactory, EndPoint endPoint, ClientOptions? options = null, CancellationToken cancellationToken = default)
        where TProtocol : IProtocol
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (endPoint is DnsEndPoint name)
        {
            return loop.CreateConnectionAsync(protocolFactory, name.Host, name.Port, options, cancellationToken);
        }
        Connecting<(ITransport Transport, TProtocol Protocol)> connecting = Prepare(loop, protocolFactory, options, cancellationToken);
        return connecting.RunAsync(end => connecting.ConnectAsync([endPoint], endPoint.ToString()!, end), endPoint.ToString()!);
    }

    /// <summary>Puts a protocol on a socket that is connected already. The connection owns it from now on, and closes it; the object given is of no use afterwards. Any thread.</summary>
    /// <param name="loop">The loop that the connection lives on.</param>
    /// <param name="protocolFactory">Called on the loop. What it throws is thrown here, and the connection is closed.</param>
    /// <param name="socket">A connected stream socket, on which nothing else is under way.</param>
    /// <param name="options">Null: all defaults. What concerns connecting has no effect.</param>
    /// <param name="cancellationToken">Gives up as long as the loop has not taken the socket; it is still the caller's then.</param>
    /// <returns>The transport, and the protocol that the factory made.</returns>
    /// <exception cref="ArgumentException">Not a connected stream socket; or <see cref="ClientOptions.LocalEndPoint"/> or <see cref="ClientOptions.Transport"/> is set, which only a new connection can heed.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public static Task<(ITransport Transport, TProtocol Protocol)> CreateConnectionAsync<TProtocol>(
        this EventLoop loop, Func<TProtocol> protocolFactory, Socket socket, ClientOptions? options = null, CancellationToken cancellationToken = default)
        where TProtocol : IProtocol
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.SocketType != SocketType.Stream)
        {
            throw new ArgumentException($"A connection needs a stream socket, not one of type {socket.SocketType}.", nameof(socket));
        }
        if (!socket.Connected)
        {
            throw new ArgumentException("The socket is not connected: connect it, or give CreateConnectionAsync a host and a port.", nameof(socket));
        }
        if (options is { LocalEndPoint: not null } or { Transport: not null })
        {
            throw new ArgumentException("A connected socket has its local address and its transport already: leave LocalEndPoint and Transport unset.", nameof(options));
        }
        Connecting<(ITransport Transport, TProtocol Protocol)> connecting = Prepare(loop, protocolFactory, options, cancellationToken);
        return connecting.RunAsync(_ => Task.FromResult(connecting.Adopt(socket)), "the given socket");
    }

    internal static Connecting<TResult> Prepare<TResult>(EventLoop loop, Func<ConnectionContext, ClientOptions, TResult> make, ClientOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
        options ??= ClientOptions.Default;
        options.Validate();
        return new Connecting<TResult>(loop, connection => make(connection, options), options, cancellationToken);
    }

    private static Connecting<(ITransport Transport, TProtocol Protocol)> Prepare<TProtocol>(EventLoop loop, Func<TProtocol> protocolFactory, ClientOptions? options, CancellationToken cancellationToken)
        where TProtocol : IProtocol
    {
        ArgumentNullException.ThrowIfNull(protocolFactory);
        (ITransport, TProtocol) Make(ConnectionContext connection, ClientOptions given)
        {
            TProtocol protocol = protocolFactory() ?? throw new InvalidOperationException("The protocol factory returned null.");
            var served = new ProtocolConnection(loop, connection, protocol, new ClientOwner(given));
            served.Start();
            return (served, protocol);
        }
        return Prepare(loop, Make, options, cancellationToken);
    }

    // A client's connection stands alone: nobody counts it.
    private sealed class ClientOwner(ClientOptions options) : IConnectionOwner
    {
        public ConnectionOptions ConnectionOptions => options;

        public void OnEnded(IServedConnection connection)
        {
        }
    }
}
