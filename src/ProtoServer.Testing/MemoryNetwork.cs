using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Testing;

/// <summary>A network in memory, for tests: servers listen on it by <c>ServerOptions.Transport</c>, clients connect by <see cref="ConnectAsync"/>; each connection is a pair of <see cref="System.IO.Pipelines.Pipe"/>s.</summary>
/// <remarks>Any thread. Nothing touches the machine's own network: any address may be used, and every network has its own.</remarks>
/// <param name="bufferBytes">What one direction of a connection holds before the writer has to wait. Default 64 KiB, at least 1.</param>
public sealed class MemoryNetwork(int bufferBytes = 64 * 1024) : IConnectionListenerFactory, IConnectionFactory
{
    // Where the kernel's ephemeral ports begin: a test's own numbers stay below.
    private const int FirstPort = 49152;

    private readonly ConcurrentDictionary<EndPoint, MemoryListener> _listeners = new();
    private readonly int _bufferBytes = bufferBytes > 0 ? bufferBytes : throw new ArgumentOutOfRangeException(nameof(bufferBytes));
    private int _ports = FirstPort;

    /// <summary>Listens; completes at once. Port 0 of an IP address picks a free one.</summary>
    /// <exception cref="SocketException">The address is in use.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        if (endpoint is IPEndPoint { Port: 0 } any)
        {
            endpoint = new IPEndPoint(any.Address, Interlocked.Increment(ref _ports));
        }
        var listener = new MemoryListener(endpoint, Forget);
        return _listeners.TryAdd(endpoint, listener)
            ? new ValueTask<IConnectionListener>(listener)
            : throw new SocketException((int)SocketError.AddressAlreadyInUse, $"Cannot listen on {endpoint}: it is in use in this memory network.");
    }

    /// <summary>Connects; completes at once, before the server has accepted. The pipes' continuations run on the thread pool.</summary>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        EndPoint? local = endpoint is IPEndPoint ip ? new IPEndPoint(ip.Address, Interlocked.Increment(ref _ports)) : null;
        (MemoryConnection client, MemoryConnection server) = MemoryConnection.MakePair(local, endpoint, _bufferBytes);
        return _listeners.TryGetValue(endpoint, out MemoryListener? listener) && listener.TryAdd(server)
            ? new ValueTask<ConnectionContext>(client)
            : throw new SocketException((int)SocketError.ConnectionRefused, $"Cannot connect to {endpoint}: nobody listens there in this memory network.");
    }

    private void Forget(MemoryListener listener) => _listeners.TryRemove(KeyValuePair.Create(listener.EndPoint, listener));
}
