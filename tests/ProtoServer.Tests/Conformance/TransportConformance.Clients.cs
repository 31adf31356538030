using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>K: connecting.</summary>
public abstract partial class TransportConformance
{
    [Fact, Trait("Conformance", "K1")]
    public async Task Client_ServerListens_TalksAndBothEndRegularly()
    {
        var served = new ProbeProtocol();
        served.OnData = data => served.Transport.Write(data);
        Server server = Serve(() => served);
        (ITransport transport, ProbeProtocol client) = await ConnectClientAsync(server, () => new ProbeProtocol());
        Assert.Same(transport, client.Transport);
        byte[] sent = new byte[300_000];
        new Random(5).NextBytes(sent);
        await _test.RunAsync(() => transport.Write(sent));
        await client.ReceivedAsync(sent.Length);
        await _test.RunAsync(transport.Close);
        Assert.Null(await client.Lost.Within());
        Assert.Null(await served.Lost.Within());
        AssertBytes(sent, client.Received);
        AssertSound(served);
        AssertSound(client);
    }

    [Fact, Trait("Conformance", "K1")]
    public async Task Client_NobodyListens_ThrowsWithTheAddress()
    {
        Server server = Serve(() => new ProbeProtocol());
        await AssertClosesAsync(server);
        ConnectException refused = await Assert.ThrowsAsync<ConnectException>(() => ConnectClientAsync(server, () => new ProbeProtocol()));
        ConnectFailure only = Assert.Single(refused.Failures);
        Assert.Equal(server.EndPoints[0].ToString(), only.EndPoint.ToString());
        Assert.IsType<SocketException>(only.Error);
        Assert.Contains(server.EndPoints[0].ToString()!, refused.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "K1")]
    public async Task Client_NameWithoutAddress_ThrowsAndNamesIt()
    {
        SkipUnlessAddressesAreListed();
        var options = new ClientOptions { Transport = Transport.Connector, Resolver = static (_, _) => throw new SocketException((int)SocketError.HostNotFound) };
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => _test.Loop.CreateConnectionAsync(static () => new ProbeProtocol(), "nowhere.invalid", 80, options).Within());
        Assert.Empty(failed.Failures);
        Assert.Contains("nowhere.invalid", failed.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "K2")]
    public async Task Client_FirstAddressRefuses_NextIsTriedAtOnce()
    {
        Server server = Serve(() => new ProbeProtocol());
        // The delay never ends: only the refusal can have brought the second address up.
        (ITransport transport, _) = await ConnectToListAsync(server, Timeout.InfiniteTimeSpan, Clients.BlackHole.Address, IPAddress.Loopback);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
    }

    [Fact, Trait("Conformance", "K2")]
    public async Task Client_AllAddressesRefuse_AreListedInOrder()
    {
        SkipUnlessAddressesAreListed();
        Server server = Serve(() => new ProbeProtocol());
        await AssertClosesAsync(server);
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => ConnectToListAsync(server, TimeSpan.FromSeconds(5), IPAddress.Loopback, Clients.BlackHole.Address));
        Assert.Equal([$"127.0.0.1:{server.Port}", $"127.0.0.2:{server.Port}"], failed.Failures.Select(static failure => failure.EndPoint.ToString()));
        Assert.Equal(2, Assert.IsType<AggregateException>(failed.InnerException).InnerExceptions.Count);
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Client_FirstAddressIsSilent_SecondWinsAndTheFirstIsGivenUp()
    {
        SkipUnlessAddressesAreListed();
        Server server = Serve(() => new ProbeProtocol());
        using SilentAddress silent = Transport.Silence(server.Port);
        (ITransport transport, _) = await ConnectToListAsync(server, TimeSpan.FromMilliseconds(30), Clients.BlackHole.Address, IPAddress.Loopback);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
        await Deadlines.UntilAsync(() => silent.Waiting == 0, "the end of the connect that lost");
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Client_NoAnswerWithinTheTimeout_ThrowsAndLeavesNothing()
    {
        SkipUnlessAddressesAreListed();
        Server server = Serve(() => new ProbeProtocol());
        using SilentAddress silent = Transport.Silence(server.Port);
        var options = new ClientOptions { Transport = Transport.Connector, ConnectTimeout = TimeSpan.FromMilliseconds(50) };
        ConnectException late = await Assert.ThrowsAsync<ConnectException>(() => _test.Loop.CreateConnectionAsync(static () => new ProbeProtocol(), "127.0.0.2", server.Port, options).Within());
        Assert.IsType<TimeoutException>(Assert.Single(late.Failures).Error);
        await Deadlines.UntilAsync(() => silent.Waiting == 0, "the end of the connect that was given up");
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Client_Cancelled_ThrowsAndLeavesNothing()
    {
        SkipUnlessAddressesAreListed();
        Server server = Serve(() => new ProbeProtocol());
        using SilentAddress silent = Transport.Silence(server.Port);
        using var cancel = new CancellationTokenSource();
        Task connecting = _test.Loop.CreateConnectionAsync(static () => new ProbeProtocol(), "127.0.0.2", server.Port, new ClientOptions { Transport = Transport.Connector }, cancel.Token);
        await Deadlines.UntilAsync(() => silent.Waiting == 1, "a connect under way");
        await cancel.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Within());
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        await Deadlines.UntilAsync(() => silent.Waiting == 0, "the end of the connect that was cancelled");
    }

    [Fact, Trait("Conformance", "K4")]
    public async Task Client_LocalAddress_IsUsed()
    {
        SkipUnlessLocalAddress();
        Server server = Serve(() => new ProbeProtocol());
        var options = new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.3"), 0) };
        (ITransport transport, _) = await ConnectClientAsync(server, static () => new ProbeProtocol(), options);
        Assert.Equal("127.0.0.3", Assert.IsType<IPEndPoint>(transport.LocalEndPoint).Address.ToString());
    }

    [Theory, Trait("Conformance", "K4")]
    [InlineData("::1")]
    [InlineData("192.0.2.1")]
    public async Task Client_LocalAddressOfNoUse_ThrowsAndNamesIt(string local)
    {
        SkipUnlessLocalAddress();
        Server server = Serve(() => new ProbeProtocol());
        var options = new ClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse(local), 0) };
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => ConnectClientAsync(server, static () => new ProbeProtocol(), options));
        Assert.Contains(local, failed.Failures[0].Error.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "K5")]
    public async Task Client_ExistingSocket_IsAdopted()
    {
        Assert.SkipUnless(Transport.AdoptsSockets, $"{Transport.Name}: a socket is adopted by the loop's own transport");
        var served = new ProbeProtocol();
        served.OnData = data => served.Transport.Write(data);
        Server server = Serve(() => served);
        Socket socket = (await SocketPeer.ConnectAsync(server.EndPoints[0])).Socket;
        (ITransport transport, ProbeProtocol client) = await _test.Loop.CreateConnectionAsync(static () => new ProbeProtocol(), socket).Within();
        // The object given is of no use any more, and its end no end of the connection.
        socket.Dispose();
        await _test.RunAsync(() => transport.Write("still there"u8));
        await client.ReceivedAsync(11);
        await _test.RunAsync(transport.Close);
        Assert.Null(await client.Lost.Within());
        Assert.Null(await served.Lost.Within());
    }

    [Fact, Trait("Conformance", "K7")]
    public async Task Client_FactoryThrows_ThrowsItAndClosesTheSocket()
    {
        var served = new ProbeProtocol();
        Server server = Serve(() => served);
        var thrown = new InvalidOperationException("no protocol today");
        Exception caught = await Assert.ThrowsAsync<InvalidOperationException>(() => ConnectClientAsync<ProbeProtocol>(server, () => throw thrown));
        Assert.Same(thrown, caught);
        await served.Lost.Within();
        await Deadlines.UntilAsync(() => server.Connections == 0, "the end of the connection");
    }

    [Fact, Trait("Conformance", "P5")]
    public async Task Client_AbortInConnectionMade_StillReturns()
    {
        var served = new ProbeProtocol();
        Server server = Serve(() => served);
        (ITransport transport, ProbeProtocol client) = await ConnectClientAsync(server, static () => new ProbeProtocol { OnMade = static transport => transport.Abort() });
        Assert.True(transport.IsClosing);
        Assert.Null(await client.Lost.Within());
        await served.Lost.Within();
    }

    [Fact, Trait("Conformance", "P6")]
    public async Task Client_ConnectionMadeThrows_IsReportedAndLost()
    {
        Server server = Serve(() => new ProbeProtocol());
        var thrown = new InvalidOperationException("not like this");
        (ITransport transport, ProbeProtocol client) = await ConnectClientAsync(server, () => new ProbeProtocol { OnMade = _ => throw thrown });
        Assert.True(transport.IsClosing);
        Assert.Same(thrown, await client.Lost.Within());
        Assert.Same(thrown, Assert.Single(_test.Reports).Exception);
    }

    private Task<(ITransport Transport, TProtocol Protocol)> ConnectClientAsync<TProtocol>(Server server, Func<TProtocol> factory, ClientOptions? options = null) where TProtocol : IProtocol =>
        _test.Loop.CreateConnectionAsync(factory, server.EndPoints[0], options ?? new ClientOptions { Transport = Transport.Connector }).Within();

    private Task<(ITransport Transport, ProbeProtocol Protocol)> ConnectToListAsync(Server server, TimeSpan delay, params IPAddress[] addresses)
    {
        SkipUnlessAddressesAreListed();
        var options = new ClientOptions { Transport = Transport.Connector, HappyEyeballsDelay = delay, Resolver = (_, _) => Task.FromResult(addresses) };
        return _test.Loop.CreateConnectionAsync(static () => new ProbeProtocol(), "list.invalid", server.Port, options).Within();
    }

    private void SkipUnlessAddressesAreListed() => Assert.SkipUnless(Transport.HasNames, $"{Transport.Name}: names have no part in it, so there is one address");

    private void SkipUnlessLocalAddress() => Assert.SkipUnless(Transport.HasNames && Transport.AdoptsSockets, $"{Transport.Name}: has no local address to choose");
}
