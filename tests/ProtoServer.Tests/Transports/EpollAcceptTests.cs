using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>A: accepted sockets and their options, on epoll.</summary>
public sealed class EpollAcceptTests : IDisposable
{
    private readonly TestLoop _test = new(new EventLoopOptions { Transport = EpollConnectionListenerFactory.IsSupported ? TransportKind.Epoll : TransportKind.Automatic });

    public EpollAcceptTests() => Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "epoll: this system has none");

    public void Dispose() => _test.Dispose();

    [Theory, Trait("Conformance", "A9"), Trait("Conformance", "S12")]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, true, true)]
    public async Task AcceptedSocket_NoDelayAndKeepAlive_AreAsTheOptionsSay(bool noDelay, bool keepAlive, bool adopted)
    {
        var options = new ServerOptions { NoDelay = noDelay, KeepAlive = keepAlive };
        var protocol = new ProbeProtocol();
        Server server;
        if (adopted)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            server = _test.Loop.CreateServer(() => protocol, socket, options);
        }
        else
        {
            server = _test.Loop.CreateServer(() => protocol, "127.0.0.1", 0, options);
        }
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await protocol.Made.Within();
        int accepted = await _test.RunAsync(() => ((EpollPoller)_test.Loop.Poller).Handlers.OfType<EpollConnection>().Single().Descriptor);
        Assert.Equal(noDelay ? 1 : 0, SocketNative.GetOption(accepted, SocketNative.Tcp, SocketNative.NoDelay));
        Assert.Equal(keepAlive ? 1 : 0, SocketNative.GetOption(accepted, SocketNative.SolSocket, SocketNative.KeepAlive));
    }
}
