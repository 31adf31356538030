using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace ProtoServer;

/// <summary><c>CreateServer</c> on a group of loops.</summary>
public static class EventLoopGroupServing
{
    /// <summary>Listens on a TCP address with every loop of the group; the kernel spreads connections over them. Any thread.</summary>
    /// <remarks>
    /// SO_REUSEPORT: each loop has a listening socket of its own, and a connection is picked by a hash of its addresses and ports, which spreads many connections evenly and few unevenly. A port
    /// that somebody else has is an error, as with one loop. <see cref="ServerOptions.MaxConnections"/> is shared out evenly, <see cref="ServerOptions.MaxConnectionsPerAddress"/> holds for all loops together.
    /// On Linux only does the kernel spread like this.
    /// </remarks>
    /// <param name="group">The loops that accept and serve.</param>
    /// <param name="protocolFactory">Called once per connection, on that connection's loop: on several threads at once.</param>
    /// <param name="host">An address or a name; null or empty: every IPv4 and IPv6 address of the machine. A name is resolved while the caller waits.</param>
    /// <param name="port">0 picks a free port, the same in both families and for every loop.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is not 0 to 65535, or an option is out of its range.</exception>
    /// <exception cref="ArgumentException"><see cref="ServerOptions.Transport"/> is set: a transport from elsewhere has one listener, which one loop serves.</exception>
    /// <exception cref="SocketException">Names the address and the reason; whatever was bound so far is released.</exception>
    /// <exception cref="ObjectDisposedException">A loop is closed.</exception>
    [OverloadResolutionPriority(1)] // a literal null is a host, not a list of hosts
    public static ServerGroup CreateServer(this EventLoopGroup group, Func<IProtocol> protocolFactory, string? host, int port, ServerOptions? options = null) =>
        group.CreateServer(protocolFactory, [host], port, options);

    /// <summary>Listens on several hosts at one port; an address that comes up twice is bound once.</summary>
    /// <inheritdoc cref="CreateServer(EventLoopGroup, Func{IProtocol}, string?, int, ServerOptions?)"/>
    public static ServerGroup CreateServer(this EventLoopGroup group, Func<IProtocol> protocolFactory, IEnumerable<string?> hosts, int port, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(hosts);
        ServerBinding.VerifyPort(port);
        return GroupBinding.Create(group, EventLoopServing.Protocols(protocolFactory), hosts, port, options);
    }

    /// <summary>Serves with every loop on one socket that is bound already, such as systemd's. The servers own it from now on; the object given is of no use afterwards.</summary>
    /// <remarks>All loops wait at the one socket and the first that wakes takes the connection, so a connect wakes several: where there is a choice, give the group a host and a port.</remarks>
    /// <param name="group">The loops that accept and serve.</param>
    /// <param name="protocolFactory">Called once per connection, on that connection's loop: on several threads at once.</param>
    /// <param name="socket">A bound stream socket.</param>
    /// <param name="options">Null: all defaults. What concerns binding has no effect.</param>
    /// <exception cref="ArgumentException">Not a bound stream socket, or <see cref="ServerOptions.Transport"/> is set.</exception>
    /// <exception cref="ObjectDisposedException">The loop, or the socket, is closed.</exception>
    public static ServerGroup CreateServer(this EventLoopGroup group, Func<IProtocol> protocolFactory, Socket socket, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        ServerBinding.VerifyListening(socket);
        return GroupBinding.Create(group, EventLoopServing.Protocols(protocolFactory), socket, options);
    }
}
