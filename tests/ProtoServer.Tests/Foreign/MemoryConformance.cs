using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using ProtoServer.Testing;

namespace ProtoServer.Tests;

/// <summary>Pairs of pipes in memory.</summary>
public sealed class MemoryConformance : TransportConformance
{
    private protected override ConformanceTransport Transport { get; } = new InMemory();
}

/// <summary>A network in memory.</summary>
internal sealed class InMemory : ConformanceTransport
{
    private readonly MemoryNetwork _network = new(bufferBytes: 16 * 1024);
    private readonly SilentConnector _connector;

    public InMemory() => _connector = new SilentConnector(_network);

    public override string Name => "memory";

    public override bool CountsUnsentBytes => false;

    public override bool HasAddresses => false;

    public override IConnectionFactory Connector => _connector;

    public override SilentAddress Silence(int port)
    {
        _connector.IsSilent = true;
        return new SilentConnect(_connector);
    }

    public override Server StartServer(EventLoop loop, Func<IProtocol> protocolFactory, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, "127.0.0.1", 0, (options ?? new ServerOptions()).On(_network));

    public override async Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null) =>
        new MemoryPeer(await _network.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port)));
}

/// <summary>A peer at the other end of two pipes.</summary>
internal sealed class MemoryPeer(ConnectionContext connection) : RawPeer
{
    private readonly PipeReader _input = connection.Transport.Input;
    private readonly PipeWriter _output = connection.Transport.Output;
    private bool _over;

    // To a closed server too, as a kernel takes it: the answer is still there to be read.
    public override async Task SendAsync(ReadOnlyMemory<byte> data) => await _output.WriteAsync(data);

    public override async Task<int> ReceiveAsync(Memory<byte> buffer)
    {
        ReadResult result = await _input.ReadAsync();
        int count = (int)Math.Min(buffer.Length, result.Buffer.Length);
        System.Buffers.BuffersExtensions.CopyTo(result.Buffer.Slice(0, count), buffer.Span);
        _input.AdvanceTo(result.Buffer.GetPosition(count));
        return count;
    }

    public override void HalfClose() => _output.Complete();

    public override void Reset()
    {
        _over = true;
        connection.Abort(new ConnectionAbortedException());
    }

    public override void Dispose()
    {
        if (!_over)
        {
            _over = true;
            _output.Complete();
            _input.Complete();
        }
    }
}
