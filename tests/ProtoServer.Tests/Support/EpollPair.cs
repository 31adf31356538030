using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>A bare epoll connection, without a protocol on it, and its peer.</summary>
internal sealed class EpollPair : IDisposable
{
    private EpollPair(TestLoop test, IConnectionListener listener, EpollConnection connection, SocketPeer peer)
    {
        Test = test;
        Listener = listener;
        Connection = connection;
        Peer = peer;
    }

    public TestLoop Test { get; }

    public IConnectionListener Listener { get; }

    public EpollConnection Connection { get; }

    public SocketPeer Peer { get; }

    public System.IO.Pipelines.PipeReader Input => Connection.Input;

    public System.IO.Pipelines.PipeWriter Output => Connection.Output;

    public static async Task<EpollPair> ConnectAsync(TestLoop test, EpollTransportOptions? options = null, int? bufferBytes = null)
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "epoll: this system has none");
        var factory = new EpollConnectionListenerFactory(test.Loop, options);
        ILoopListener listener = ((ILoopTransport)factory).Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        SocketPeer peer = await SocketPeer.ConnectAsync((IPEndPoint)listener.EndPoint, bufferBytes);
        ConnectionContext? connection = await test.RunAsync(async () => await listener.AcceptAsync());
        return new EpollPair(test, listener, (EpollConnection)connection!, peer);
    }

    public void Dispose()
    {
        Peer.Dispose();
        Test.Dispose();
    }
}
