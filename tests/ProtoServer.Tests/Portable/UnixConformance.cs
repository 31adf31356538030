using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>Unix domain sockets on the loop's default transport.</summary>
public sealed class UnixConformance : TransportConformance
{
    private protected override ConformanceTransport Transport { get; } = new UnixSockets();
}

/// <summary>Unix domain sockets in the temporary folder.</summary>
internal sealed class UnixSockets : ConformanceTransport
{
    public override string Name => "unix";

    public override string? Unsupported => Socket.OSSupportsUnixDomainSockets ? null : "this system has no unix domain sockets";

    // close(2) with SO_LINGER 0 is no reset there: the peer sees an end.
    public override bool HasReset => false;

    public override bool HasAddresses => false;

    public override bool HasNames => false;

    public override Server StartServer(EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options = null) =>
        loop.CreateUnixServer(protocolFactory, Path.Combine(Path.GetTempPath(), $"protoserver-{Guid.NewGuid():N}.sock"), options);

    public override async Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null) => await SocketPeer.ConnectAsync(server.EndPoints[0], bufferBytes);
}
