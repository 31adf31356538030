using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>From what a user calls an address to a server that listens there. Any thread.</summary>
internal static class ServerBinding
{
    // With port 0, how often to look for a port that is free in both families.
    private const int PortAttempts = 16;

    public static Server Create(EventLoop loop, ConnectionServing serving, IEnumerable<string?> hosts, int port, ServerOptions? options)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        VerifyPort(port);
        options = Prepare(loop, options);
        IPAddress[] addresses = [.. hosts.SelectMany(ListenAddresses.Resolve).Distinct()];
        return Complete(loop, serving, options, BindAllAsync(Binder(loop, options, default), addresses, port, isForeign: options.Transport is not null));
    }

    public static Server Create(EventLoop loop, ConnectionServing serving, EndPoint endPoint, ServerOptions? options)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        options = Prepare(loop, options);
        return Complete(loop, serving, options, BindOneAsync(Binder(loop, options, default), endPoint));
    }

    public static Server Create(EventLoop loop, ConnectionServing serving, Socket socket, ServerOptions? options)
    {
        VerifyListening(socket);
        options = Prepare(loop, options);
        if (options.Transport is not null)
        {
            throw new ArgumentException("A socket is served by the loop's own transport: leave ServerOptions.Transport null.", nameof(options));
        }
        return Serve(loop, serving, [TransportOf(loop, options).Adopt(socket)], options);
    }

    public static async Task<Server> CreateAsync(EventLoop loop, ConnectionServing serving, IEnumerable<string?> hosts, int port, ServerOptions? options, CancellationToken cancellationToken)
    {
        VerifyPort(port);
        options = Prepare(loop, options);
        List<IPAddress> addresses = [];
        foreach (string? host in hosts)
        {
            addresses.AddRange(await ListenAddresses.ResolveAsync(host, cancellationToken).ConfigureAwait(false));
        }
        return Serve(loop, serving, await BindAllAsync(Binder(loop, options, cancellationToken), [.. addresses.Distinct()], port, isForeign: options.Transport is not null).ConfigureAwait(false), options);
    }

    public static async Task<Server> CreateAsync(EventLoop loop, ConnectionServing serving, EndPoint endPoint, ServerOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        options = Prepare(loop, options);
        return Serve(loop, serving, await BindOneAsync(Binder(loop, options, cancellationToken), endPoint).ConfigureAwait(false), options);
    }

    public static ServerOptions Prepare(EventLoop loop, ServerOptions? options)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ObjectDisposedException.ThrowIf(loop.IsClosed, loop);
        options ??= ServerOptions.Default;
        options.Validate();
        return options;
    }

    public static void VerifyPort(int port)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
    }

    /// <exception cref="ArgumentException">Not a socket that could listen.</exception>
    public static void VerifyListening(Socket socket)
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
    }

    /// <summary>The loop's own transport.</summary>
    public static ILoopTransport TransportOf(EventLoop loop, ServerOptions options, bool? reusePort = null) =>
        loop.TransportKind == TransportKind.Sockets
            ? new SocketsTransport(loop, options.ToEpoll(reusePort))
            : new EpollConnectionListenerFactory(loop, options.ToEpoll(reusePort));

    private static Func<EndPoint, ValueTask<IConnectionListener>> Binder(EventLoop loop, ServerOptions options, CancellationToken cancellationToken)
    {
        if (options.Transport is { } transport)
        {
            return endPoint => transport.BindAsync(endPoint, cancellationToken);
        }
        ILoopTransport own = TransportOf(loop, options);
        return endPoint => new ValueTask<IConnectionListener>(own.Bind(endPoint));
    }

    // All known transports bind at once.
    private static Server Complete(EventLoop loop, ConnectionServing serving, ServerOptions options, Task<List<IConnectionListener>> binding)
    {
        if (binding.IsCompleted)
        {
            return Serve(loop, serving, binding.GetAwaiter().GetResult(), options);
        }
        _ = ReleaseWhenBoundAsync(binding);
        throw new InvalidOperationException($"The transport {options.Transport} does not bind at once: use CreateServerAsync, which waits for it.");
    }

    private static Server Serve(EventLoop loop, ConnectionServing serving, List<IConnectionListener> listeners, ServerOptions options)
    {
        Server? server = null;
        try
        {
            server = new Server(loop, serving, listeners, options);
            if (options.StartServing)
            {
                server.StartServing();
            }
            return server;
        }
        catch
        {
            server?.Forget();
            listeners.ForEach(static listener => _ = ReleaseAsync(listener));
            throw;
        }
    }

    private static async Task<List<IConnectionListener>> BindOneAsync(Func<EndPoint, ValueTask<IConnectionListener>> bind, EndPoint endPoint) => [await bind(endPoint).ConfigureAwait(false)];

    /// <summary>Binds every address at one port, a free one where <paramref name="port"/> is 0. <paramref name="isForeign"/>: by a transport from elsewhere.</summary>
    public static async Task<List<IConnectionListener>> BindAllAsync(Func<EndPoint, ValueTask<IConnectionListener>> bind, IPAddress[] addresses, int port, bool isForeign)
    {
        if (addresses.Length == 0)
        {
            throw new ArgumentException("Name at least one host; null stands for every address of the machine.");
        }
        for (int attempt = 1; ; attempt++)
        {
            List<IConnectionListener> bound = [];
            try
            {
                SocketException? skipped = null;
                foreach (IPAddress address in addresses)
                {
                    // Every address gets the first one's port: a client that knows one knows all.
                    int wanted = port == 0 && bound.Count > 0 ? (bound[0].EndPoint as IPEndPoint)?.Port ?? 0 : port;
                    try
                    {
                        bound.Add(await bind(new IPEndPoint(address, wanted)).ConfigureAwait(false));
                    }
                    catch (SocketException exception) when (addresses.Length > 1 && exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
                    {
                        // A machine without IPv6, say: one family is enough.
                        skipped = exception;
                    }
                    catch (Exception exception) when (isForeign && IsInUse(exception) && address.Equals(IPAddress.Any) && bound.Any(static listener => listener.EndPoint is IPEndPoint { Address: { } own } && own.Equals(IPAddress.IPv6Any)))
                    {
                        // Kestrel's transport, and others, serve IPv4 too by the socket that is bound to [::]: then it is they who have the port.
                    }
                }
                return bound.Count > 0 ? bound : throw skipped!;
            }
            catch (Exception exception)
            {
                bound.ForEach(static listener => _ = ReleaseAsync(listener));
                if (port != 0 || bound.Count == 0 || !IsInUse(exception) || attempt == PortAttempts)
                {
                    throw;
                }
            }
        }
    }

    private static bool IsInUse(Exception exception) => exception is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse };

    private static async Task ReleaseWhenBoundAsync(Task<List<IConnectionListener>> binding)
    {
        foreach (IConnectionListener listener in await binding.ConfigureAwait(false))
        {
            await ReleaseAsync(listener).ConfigureAwait(false);
        }
    }

    public static async Task ReleaseAsync(IConnectionListener listener)
    {
        if (listener is ILoopListener own)
        {
            own.CloseUnused();
        }
        else
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }
    }
}
