using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ProtoServer.Tests;

/// <summary>Kestrel's HTTP server on our epoll listener: our side of the seam, used from pool threads.</summary>
public sealed class KestrelOnOurListenerTests
{
    [Fact]
    public async Task Kestrel_OnEpollListeners_ServesBodiesAndStops()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        using var test = new TestLoop();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton<IConnectionListenerFactory>(new EpollConnectionListenerFactory(test.Loop));
        await using WebApplication app = builder.Build();
        app.MapGet("/", static () => "hello from kestrel");
        app.MapPost("/size", static async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            return body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });
        await app.StartAsync().Within();
        Uri address = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        using (var client = new HttpClient { BaseAddress = address, Timeout = Deadlines.Default })
        {
            string[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.GetStringAsync("/"))).Within();
            Assert.All(answers, static answer => Assert.Equal("hello from kestrel", answer));
            using HttpResponseMessage size = await client.PostAsync("/size", new ByteArrayContent(new byte[3_000_000])).Within();
            Assert.Equal("3000000", await size.Content.ReadAsStringAsync());
        }
        await app.StopAsync().Within();
        Assert.Empty(test.Reports);
    }

    [Fact]
    public async Task Kestrel_ConnectionHandlerOnEpollListeners_SeesAResetAsAnError()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        using var test = new TestLoop();
        IConnectionListener listener = await new EpollConnectionListenerFactory(test.Loop).BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        SocketPeer peer = await SocketPeer.ConnectAsync(((IPEndPoint)listener.EndPoint).Port);
        await using ConnectionContext connection = (await listener.AcceptAsync().AsTask().Within())!;
        await peer.SendAsync("x");
        System.IO.Pipelines.ReadResult read = await connection.Transport.Input.ReadAsync().AsTask().Within();
        connection.Transport.Input.AdvanceTo(read.Buffer.End);
        peer.Reset();
        await Assert.ThrowsAsync<ConnectionResetException>(() => connection.Transport.Input.ReadAsync().AsTask().Within());
        await listener.DisposeAsync().AsTask().Within();
        Assert.Null(await listener.AcceptAsync().AsTask().Within());
    }

    // On the thread pool nobody would catch it: that would end this process.
    [Fact]
    public async Task ConnectionClosed_CallbackThrows_IsReported()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        using var test = new TestLoop();
        await using IConnectionListener listener = await new EpollConnectionListenerFactory(test.Loop).BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        using SocketPeer peer = await SocketPeer.ConnectAsync(((IPEndPoint)listener.EndPoint).Port);
        await using ConnectionContext connection = (await listener.AcceptAsync().AsTask().Within())!;
        connection.ConnectionClosed.Register(static () => throw new InvalidDataException("callback"));
        peer.HalfClose();
        await Deadlines.UntilAsync(() => test.Reports.Count > 0, "a report");
        Assert.IsType<InvalidDataException>(test.Reports[0].Exception);
    }

    // Kestrel's ListenAnyIP, and so http://*:8080, is one bind of [::]: its own transport serves both families there.
    [Fact]
    public async Task Bind_EveryAddress_IsReachedByIPv4AndIPv6()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported && Socket.OSSupportsIPv6, "this system has no epoll, or no IPv6");
        using var test = new TestLoop();
        await using IConnectionListener listener = await new EpollConnectionListenerFactory(test.Loop).BindAsync(new IPEndPoint(IPAddress.IPv6Any, 0));
        int port = ((IPEndPoint)listener.EndPoint).Port;
        foreach (IPAddress address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            using SocketPeer peer = await SocketPeer.ConnectAsync(new IPEndPoint(address, port));
            await using ConnectionContext connection = (await listener.AcceptAsync().AsTask().Within())!;
            IPAddress seen = Assert.IsType<IPEndPoint>(connection.RemoteEndPoint).Address;
            Assert.Equal(address, seen.IsIPv4MappedToIPv6 ? seen.MapToIPv4() : seen);
        }
    }

    // What Kestrel looks for, to say which port it could not have.
    [Fact]
    public async Task Bind_PortOfAnother_ThrowsAsTransportsDo()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        using var test = new TestLoop();
        var factory = new EpollConnectionListenerFactory(test.Loop);
        await using IConnectionListener first = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        AddressInUseException refused = await Assert.ThrowsAsync<AddressInUseException>(async () => await factory.BindAsync(first.EndPoint));
        Assert.Contains(first.EndPoint.ToString()!, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Loop_Closed_LeavesNobodyWaiting()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        var test = new TestLoop();
        IConnectionListener listener = await new EpollConnectionListenerFactory(test.Loop).BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        using SocketPeer peer = await SocketPeer.ConnectAsync(((IPEndPoint)listener.EndPoint).Port);
        ConnectionContext connection = (await listener.AcceptAsync().AsTask().Within())!;
        Task<ConnectionContext?> pending = listener.AcceptAsync().AsTask();
        test.Dispose();
        Assert.Null(await pending.Within());
        Assert.Null(await listener.AcceptAsync().AsTask().Within());
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => connection.Transport.Input.ReadAsync().AsTask().Within());
        await connection.DisposeAsync().AsTask().Within();
        await listener.DisposeAsync().AsTask().Within();
    }

    [Fact]
    public async Task Loop_ClosedWhileConnectingToAFullBacklog_LeavesNobodyWaiting()
    {
        Assert.SkipUnless(EpollConnectionListenerFactory.IsSupported, "this system has no epoll");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var address = new UnixDomainSocketEndPoint($"\0protoserver-{Guid.NewGuid():N}");
        listener.Bind(address);
        listener.Listen(0);
        var test = new TestLoop();
        var factory = new EpollConnectionFactory(test.Loop);
        await using ConnectionContext first = await factory.ConnectAsync(address).AsTask().Within();
        Task<ConnectionContext> second = factory.ConnectAsync(address).AsTask();
        await test.IterationsAsync();
        test.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.Within());
    }
}
