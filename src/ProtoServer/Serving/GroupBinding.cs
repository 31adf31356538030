using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>One listening socket a loop, all on the same addresses. Any thread.</summary>
internal static class GroupBinding
{
    public static ServerGroup Create(EventLoopGroup group, ConnectionServing serving, IEnumerable<string?> hosts, int port, ServerOptions? options)
    {
        options = Prepare(group, options);
        IPAddress[] addresses = [.. hosts.SelectMany(ListenAddresses.Resolve).Distinct()];
        var listeners = new List<List<IConnectionListener>>();
        try
        {
            // The first sockets are bound without SO_REUSEPORT: a port that somebody else has is an error, even if they would share it. Then the siblings may join.
            ILoopTransport first = ServerBinding.TransportOf(group.Loops[0], options, reusePort: options.ReusePort);
            List<IConnectionListener> bound = BindAtOnce(first, addresses, port);
            listeners.Add(bound);
            bound.ForEach(static listener => ((ILoopListener)listener).ShareAddress());
            foreach (EventLoop loop in group.Loops.Skip(1))
            {
                ILoopTransport sibling = ServerBinding.TransportOf(loop, options, reusePort: true);
                List<IConnectionListener> own = [];
                listeners.Add(own);
                bound.ForEach(listener => own.Add(sibling.Bind(listener.EndPoint)));
            }
            return Serve(group, serving, listeners, options);
        }
        catch
        {
            Release(listeners);
            throw;
        }
    }

    public static ServerGroup Create(EventLoopGroup group, ConnectionServing serving, Socket socket, ServerOptions? options)
    {
        options = Prepare(group, options);
        var listeners = new List<List<IConnectionListener>>();
        try
        {
            foreach (EventLoop loop in group.Loops.Skip(1))
            {
                listeners.Add([ServerBinding.TransportOf(loop, options).Adopt(SocketTakeover.Duplicate(socket))]);
            }
            listeners.Insert(0, [ServerBinding.TransportOf(group.Loops[0], options).Adopt(socket)]);
            return Serve(group, serving, listeners, options);
        }
        catch
        {
            Release(listeners);
            throw;
        }
    }

    private static ServerOptions Prepare(EventLoopGroup group, ServerOptions? options)
    {
        foreach (EventLoop loop in group.Loops)
        {
            options = ServerBinding.Prepare(loop, options);
        }
        return options!.Transport is null
            ? options
            : throw new ArgumentException("A transport from elsewhere has one listener, which one loop serves: call CreateServer on one of the group's loops, or leave ServerOptions.Transport null.", nameof(options));
    }

    // Our own transports bind without waiting.
    private static List<IConnectionListener> BindAtOnce(ILoopTransport transport, IPAddress[] addresses, int port) =>
        ServerBinding.BindAllAsync(endPoint => new ValueTask<IConnectionListener>(transport.Bind(endPoint)), addresses, port, isForeign: false).GetAwaiter().GetResult();

    private static ServerGroup Serve(EventLoopGroup group, ConnectionServing serving, List<List<IConnectionListener>> listeners, ServerOptions options)
    {
        AddressCounter? addresses = AddressCounter.For(options);
        Server[] servers = [.. group.Loops.Zip(listeners, (loop, own) => new Server(loop, serving, own, options, group.Loops.Count, addresses))];
        var server = new ServerGroup(servers, options);
        try
        {
            if (options.StartServing)
            {
                server.StartServing();
            }
            return server;
        }
        catch
        {
            Array.ForEach(servers, static server => server.Forget());
            throw;
        }
    }

    private static void Release(List<List<IConnectionListener>> listeners) =>
        listeners.ForEach(static own => own.ForEach(static listener => _ = ServerBinding.ReleaseAsync(listener)));
}
