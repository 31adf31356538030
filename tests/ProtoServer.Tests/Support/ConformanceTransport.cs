using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>One transport, as the conformance suite drives it: a server on it, and raw peers of that server.</summary>
internal abstract class ConformanceTransport
{
    /// <summary>As in the skips' reasons and in docs/conformance.md.</summary>
    public abstract string Name { get; }

    /// <summary>What this machine lacks for it; null when it can run.</summary>
    public virtual string? Unsupported => null;

    /// <summary>The loop's own transport.</summary>
    public virtual TransportKind Kind => TransportKind.Automatic;

    /// <summary>A reset differs from a regular end.</summary>
    public virtual bool HasReset => true;

    /// <summary>One direction can end before the other.</summary>
    public virtual bool HasHalfClose => true;

    /// <summary>Both ends have an IP address.</summary>
    public virtual bool HasAddresses => true;

    /// <summary>The driver can tell what is unsent byte for byte, see <see cref="ITransport.WriteBufferSize"/>.</summary>
    public virtual bool CountsUnsentBytes => true;

    /// <summary>Memory of <see cref="ITransport.Output"/> stays good when what was written before it is sent.</summary>
    public virtual bool KeepsMemoryAcrossFlushes => true;

    /// <summary>A connect succeeds before the server accepts it: there is a backlog.</summary>
    public virtual bool AcceptsInTheKernel => true;

    /// <summary>A name can stand for several addresses of it.</summary>
    public virtual bool HasNames => true;

    /// <summary>What connects a client; null: the loop's own transport.</summary>
    public virtual IConnectionFactory? Connector => null;

    /// <summary>Connected sockets can be put on it: the loop's own transports.</summary>
    public virtual bool AdoptsSockets => Connector is null;

    /// <summary>Makes <see cref="Clients.BlackHole.Address"/> one that answers no connect to this port.</summary>
    public virtual SilentAddress Silence(int port) => new SilentListener(port);

    /// <summary>Serves on a free address.</summary>
    public abstract Server StartServer(EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options = null);

    /// <summary>Connects to <paramref name="server"/>; small buffers make back-pressure cheap to reach.</summary>
    public abstract Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null);
}

/// <summary>TCP over loopback on the epoll transport.</summary>
internal sealed class EpollTcp : ConformanceTransport
{
    public override string Name => "epoll";

    public override string? Unsupported => EpollConnectionListenerFactory.IsSupported ? null : "this system has no epoll";

    public override Server StartServer(EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, "127.0.0.1", 0, options);

    public override async Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null) =>
        await SocketPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port), bufferBytes);
}
