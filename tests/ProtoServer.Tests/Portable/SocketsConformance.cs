using System.Net;

namespace ProtoServer.Tests;

/// <summary>TCP on the portable transport.</summary>
public sealed class SocketsConformance : TransportConformance
{
    private protected override ConformanceTransport Transport { get; } = new SocketsTcp();
}

/// <summary>TCP over loopback on the runtime's sockets.</summary>
internal sealed class SocketsTcp : ConformanceTransport
{
    public override string Name => "sockets";

    public override TransportKind Kind => TransportKind.Sockets;

    public override bool KeepsMemoryAcrossFlushes => false;

    public override Server StartServer(EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, "127.0.0.1", 0, options);

    public override async Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null) =>
        await SocketPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port), bufferBytes);
}
