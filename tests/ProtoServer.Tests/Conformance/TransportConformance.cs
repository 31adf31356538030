using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>The behaviours of docs/conformance.md that every transport is held to. One subclass per transport.</summary>
public abstract partial class TransportConformance : IDisposable
{
    private readonly List<IDisposable> _cleanUp = [];
    private readonly TestLoop _test;

    protected TransportConformance()
    {
        Assert.SkipWhen(Transport.Unsupported is not null, $"{Transport.Name}: {Transport.Unsupported}");
        _test = new TestLoop(new EventLoopOptions { Transport = Transport.Kind });
    }

    private protected abstract ConformanceTransport Transport { get; }

    public void Dispose()
    {
        _cleanUp.ForEach(static item => item.Dispose());
        _test?.Dispose();
        GC.SuppressFinalize(this);
    }

    private Server Serve(Func<IProtocol> factory, ServerOptions? options = null) => Transport.StartServer(_test.Loop, factory, options);

    private async Task<RawPeer> ConnectAsync(Server server, int? bufferBytes = null)
    {
        RawPeer peer = await Transport.ConnectAsync(server, bufferBytes);
        _cleanUp.Add(peer);
        return peer;
    }

    /// <summary>As <see cref="ConnectAsync"/>, for a server that resets at once: then the connect itself may fail, which is null.</summary>
    private async Task<RawPeer?> TryConnectAsync(Server server)
    {
        try
        {
            return await ConnectAsync(server);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return null;
        }
    }

    /// <summary>Serves <paramref name="protocol"/> to one peer, and waits until both are connected.</summary>
    private async Task<Pair> PairAsync(ProbeProtocol protocol, ServerOptions? options = null, int? bufferBytes = null)
    {
        Server server = Serve(() => protocol, options);
        RawPeer peer = await ConnectAsync(server, bufferBytes);
        await protocol.Made.Within();
        return new Pair(server, protocol, peer);
    }

    /// <summary>The grammar was kept, and nothing was reported but what the test expects.</summary>
    private void AssertSound(ProbeProtocol protocol, int reports = 0)
    {
        Assert.Empty(protocol.Violations);
        Assert.Equal(reports, _test.Reports.Count);
    }

    private static async Task AssertClosesAsync(Server server)
    {
        server.Close();
        await server.WaitClosedAsync().Within();
        Assert.Equal(0, server.Connections);
    }

    private void SkipUnlessReset() => Assert.SkipUnless(Transport.HasReset, $"{Transport.Name}: a reset cannot be told from a regular end");

    // Not Assert.Equal: its message would hold megabytes.
    private static void AssertBytes(ReadOnlyMemory<byte> expected, ReadOnlyMemory<byte> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(expected.Length, expected.Span.CommonPrefixLength(actual.Span));
    }

    private static byte[] Pattern(int count, int seed = 1)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed record Pair(Server Server, ProbeProtocol Protocol, RawPeer Peer)
    {
        public ITransport Transport => Protocol.Transport;
    }

    /// <summary>A connect to a closed server is refused, or reset out of the backlog.</summary>
    private async Task AssertRefusedAsync(Server server)
    {
        if (await TryConnectAsync(server) is { } peer)
        {
            Assert.True(await peer.EndAsync(), "a connect to a closed server must be refused or reset");
        }
    }
}

/// <summary>TCP on epoll.</summary>
public sealed class EpollConformance : TransportConformance
{
    private protected override ConformanceTransport Transport { get; } = new EpollTcp();
}
