using System.Net;
using System.Net.Sockets;

namespace ProtoServer;

/// <summary><c>CreateServer</c> on an event loop.</summary>
public static class EventLoopServing
{
    // With port 0, how often to look for a port that is free in both families.
    private const int PortAttempts = 16;

    /// <summary>Listens on a TCP address; each accepted connection gets a protocol from <paramref name="protocolFactory"/>. Any thread.</summary>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="host">An address or a name; null or empty: every IPv4 and IPv6 address of the machine. A name is resolved while the caller waits.</param>
    /// <param name="port">0 picks a free port, the same in both families: see <see cref="Server.Port"/>.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <returns>A server that listens already, unless <see cref="ServerOptions.StartServing"/> is false.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The port is not 0 to 65535, or an option is out of its range.</exception>
    /// <exception cref="SocketException">Names the address and the reason; whatever was bound so far is released.</exception>
    /// <exception cref="ObjectDisposedException">The loop is closed.</exception>
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, string? host, int port, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, [host], port, options);

    /// <summary>Listens on several hosts at one port; an address that comes up twice is bound once.</summary>
    /// <inheritdoc cref="CreateServer(EventLoop, Func{IProtocol}, string?, int, ServerOptions?)"/>
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, IEnumerable<string?> hosts, int port, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        IPAddress[] addresses = [.. hosts.SelectMany(ListenAddresses.Resolve).Distinct()];
        if (addresses.Length == 0)
        {
            throw new ArgumentException("Name at least one host; null stands for every address of the machine.", nameof(hosts));
        }
        return loop.Create(protocolFactory, options, factory => BindAll(factory, addresses, port));
    }

    /// <summary>Serves on a socket that is bound already, and perhaps listening. The server owns it from now on, and closes it; the object given is of no use afterwards.</summary>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="socket">A bound stream socket.</param>
    /// <param name="options">Null: all defaults. What concerns binding has no effect.</param>
    /// <exception cref="ArgumentException">Not a bound stream socket.</exception>
    public static Server CreateServer(this EventLoop loop, Func<IProtocol> protocolFactory, Socket socket, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.SocketType != SocketType.Stream)
        {
            throw new ArgumentException($"A server needs a stream socket, not one of type {socket.SocketType}.", nameof(socket));
        }
        if (!socket.IsBound)
        {
            throw new ArgumentException("The socket is not bound: bind it, or give CreateServer a host and a port.", nameof(socket));
        }
        return loop.Create(protocolFactory, options, factory =>
        {
            EpollListener listener = factory.Adopt((int)socket.SafeHandle.DangerousGetHandle());
            // Ours now: neither the socket's Dispose nor its finalizer may close a number that could be somebody else's by then.
            socket.SafeHandle.SetHandleAsInvalid();
            return [listener];
        });
    }

    private static Server Create(this EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options, Func<EpollConnectionListenerFactory, List<EpollListener>> bind)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(protocolFactory);
        ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
        options ??= ServerOptions.Default;
        options.Validate();
        List<EpollListener> listeners = bind(new EpollConnectionListenerFactory(loop, options.ToEpoll()));
        var server = new Server(loop, protocolFactory, listeners, options);
        if (options.StartServing)
        {
            try
            {
                server.StartServing();
            }
            catch
            {
                listeners.ForEach(static listener => listener.CloseUnused());
                throw;
            }
        }
        return server;
    }

    private static List<EpollListener> BindAll(EpollConnectionListenerFactory factory, IPAddress[] addresses, int port)
    {
        for (int attempt = 1; ; attempt++)
        {
            List<EpollListener> bound = [];
            try
            {
                SocketException? skipped = null;
                foreach (IPAddress address in addresses)
                {
                    // Every address gets the first one's port: a client that knows one knows all.
                    int wanted = port == 0 && bound.Count > 0 ? ((IPEndPoint)bound[0].EndPoint).Port : port;
                    try
                    {
                        bound.Add(factory.Bind(new IPEndPoint(address, wanted)));
                    }
                    catch (SocketException exception) when (addresses.Length > 1 && exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
                    {
                        // A machine without IPv6, say: one family is enough.
                        skipped = exception;
                    }
                }
                return bound.Count > 0 ? bound : throw skipped!;
            }
            catch (SocketException exception)
            {
                bound.ForEach(static listener => listener.CloseUnused());
                if (port != 0 || exception.SocketErrorCode != SocketError.AddressAlreadyInUse || attempt == PortAttempts)
                {
                    throw;
                }
            }
        }
    }
}
