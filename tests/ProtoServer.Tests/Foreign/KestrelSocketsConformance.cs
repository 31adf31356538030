using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ProtoServer.Tests;

/// <summary>TCP on Kestrel's own socket transport.</summary>
public sealed class KestrelSocketsConformance : TransportConformance
{
    private protected override ConformanceTransport Transport { get; } = new KestrelSockets();
}

/// <summary>TCP over loopback on Kestrel's socket transport.</summary>
internal sealed class KestrelSockets : ConformanceTransport
{
    public override string Name => "kestrel sockets";

    public override bool CountsUnsentBytes => false;

    // Completing the output ends Kestrel's send loop, and with it the socket, both ways.
    public override bool HasHalfClose => false;

    public override IConnectionFactory Connector { get; } = new KestrelConnector();

    public static SocketTransportFactory MakeFactory() => new(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);

    public override Server StartServer(EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, "127.0.0.1", 0, (options ?? new ServerOptions()).On(MakeFactory()));

    public override async Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null) =>
        await SocketPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port), bufferBytes);
}
