using System.IO.Pipes;
using System.Net;
using Microsoft.AspNetCore.Connections;
using ProtoServer.Testing;

namespace ProtoServer.Tests;

/// <summary>Anybody's <see cref="IConnectionListenerFactory"/> under <c>CreateServer</c>.</summary>
public sealed class ForeignTransportTests
{
    [Fact]
    public async Task CreateServer_OnNamedPipes_EchoesAMegabyteAndDrains()
    {
        using var test = new TestLoop();
        var address = new NamedPipeEndPoint(Guid.NewGuid().ToString("N"));
        Server server = test.Loop.CreateServer(() => new EchoProtocol(), address, new ServerOptions { Transport = new NamedPipeTransport() });
        await using (var client = new NamedPipeClientStream(".", address.PipeName, PipeDirection.InOut, System.IO.Pipes.PipeOptions.Asynchronous))
        {
            await client.ConnectAsync(5000);
            byte[] sent = new byte[1_000_000];
            new Random(11).NextBytes(sent);
            Task sending = client.WriteAsync(sent).AsTask();
            byte[] back = new byte[sent.Length];
            await client.ReadExactlyAsync(back).AsTask().Within();
            await sending.Within();
            Assert.Equal(sent, back);
        }
        Assert.True((await server.ShutdownAsync(TimeSpan.FromSeconds(5)).Within()).IsClean);
        Assert.Empty(test.Reports);
    }

    [Fact]
    public async Task CreateServer_OnATransportThatBindsLater_SaysToUseTheAsyncForm()
    {
        using var test = new TestLoop();
        var transport = new SlowTransport();
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions { Transport = transport }));
        Assert.Contains("CreateServerAsync", refused.Message, StringComparison.Ordinal);
        transport.Go();
        await transport.Disposed.Within();
    }

    [Fact]
    public async Task CreateServerAsync_OnATransportThatBindsLater_Serves()
    {
        using var test = new TestLoop();
        var transport = new SlowTransport();
        Task<Server> making = test.Loop.CreateServerAsync(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions { Transport = transport });
        Assert.False(making.IsCompleted);
        transport.Go();
        Server server = await making.Within();
        await using ConnectionContext client = await transport.Network.ConnectAsync(server.EndPoints[0]);
        await AssertEchoAsync(client, "late");
        await server.ShutdownAsync(TimeSpan.FromSeconds(5)).Within();
        await transport.Disposed.Within();
    }

    [Fact]
    public void CreateServer_StartServingFalseOnAForeignTransport_IsRefused()
    {
        using var test = new TestLoop();
        Assert.Throws<ArgumentException>(() => test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions { Transport = new MemoryNetwork(), StartServing = false }));
    }

    [Fact]
    public async Task Server_ClosedOnKestrelSockets_RefusesAndLeavesNoListener()
    {
        using var test = new TestLoop();
        Server server = test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions { Transport = KestrelSockets.MakeFactory() });
        server.Close();
        await server.WaitClosedAsync().Within();
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port)).Within());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CreateServer_EveryAddressOnATransportThatServesBothFamiliesByOneSocket_Serves(bool kestrel)
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported && System.Net.Sockets.Socket.OSSupportsIPv6, "this system has no epoll, or no IPv6");
        using var test = new TestLoop();
        using EventLoop other = EventLoop.Start();
        IConnectionListenerFactory transport = kestrel ? KestrelSockets.MakeFactory() : new EpollConnectionListenerFactory(other);
        await using Server server = test.Loop.CreateServer(() => new EchoProtocol(), null, 0, new ServerOptions { Transport = transport });
        foreach (IPAddress address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            using SocketPeer peer = await SocketPeer.ConnectAsync(new IPEndPoint(address, server.Port));
            await peer.SendAsync("both");
            Assert.Equal("both", await peer.ReceiveTextAsync(4));
        }
    }

    [Fact]
    public async Task CreateServer_OnAnotherLoopsEpollFactory_CrossesBothBridges()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        using var test = new TestLoop();
        using EventLoop other = EventLoop.Start();
        Server server = test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0, new ServerOptions { Transport = new EpollConnectionListenerFactory(other) });
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        byte[] sent = new byte[1_000_000];
        new Random(7).NextBytes(sent);
        Task sending = Task.Run(() => peer.SendAsync(sent));
        Assert.Equal(sent, await peer.ReceiveExactlyAsync(sent.Length));
        await sending.Within();
        peer.HalfClose();
        Assert.Empty(await peer.ReceiveToEndAsync());
        Assert.True((await server.ShutdownAsync(TimeSpan.FromSeconds(5)).Within()).IsClean);
        Assert.Empty(test.Reports);
    }

    internal static async Task AssertEchoAsync(ConnectionContext client, string text)
    {
        await client.Transport.Output.WriteAsync(System.Text.Encoding.ASCII.GetBytes(text));
        System.IO.Pipelines.ReadResult result = await client.Transport.Input.ReadAtLeastAsync(text.Length).AsTask().Within();
        Assert.Equal(text, System.Text.Encoding.ASCII.GetString(System.Buffers.BuffersExtensions.ToArray(result.Buffer)));
        client.Transport.Input.AdvanceTo(result.Buffer.End);
    }

    /// <summary>A transport whose bind takes its time.</summary>
    private sealed class SlowTransport : IConnectionListenerFactory
    {
        private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public MemoryNetwork Network { get; } = new();

        public Task Disposed => _disposed.Task;

        public void Go() => _go.SetResult();

        public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            await _go.Task;
            return new Watched(await Network.BindAsync(endpoint, cancellationToken), _disposed);
        }

        private sealed class Watched(IConnectionListener inner, TaskCompletionSource disposed) : IConnectionListener
        {
            public EndPoint EndPoint => inner.EndPoint;

            public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => inner.AcceptAsync(cancellationToken);

            public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

            public async ValueTask DisposeAsync()
            {
                await inner.DisposeAsync();
                disposed.TrySetResult();
            }
        }
    }
}
