namespace ProtoServer.Tests;

// D: the end of a server.
public abstract partial class TransportConformance
{
    [Fact, Trait("Conformance", "D1")]
    public async Task Close_OpenConnection_GoesOnWhileNewOnesAreRefused()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        pair.Server.Close();
        await _test.IterationsAsync();
        Assert.False(pair.Server.IsServing);
        await AssertRefusedAsync(pair.Server);
        await pair.Peer.SendAsync("still served");
        await pair.Protocol.ReceivedAsync(12);
        await _test.RunAsync(() => pair.Transport.Write("yes"u8));
        Assert.Equal("yes", await pair.Peer.ReceiveTextAsync(3));
    }

    [Fact, Trait("Conformance", "D2")]
    public async Task WaitClosed_OpenOrClientsAlive_BlocksThenAllWaitersReturn()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        Task early = pair.Server.WaitClosedAsync();
        Task second = pair.Server.WaitClosedAsync();
        await _test.IterationsAsync();
        Assert.False(early.IsCompleted);
        pair.Server.Close();
        await _test.IterationsAsync();
        Task late = pair.Server.WaitClosedAsync();
        Assert.False(early.IsCompleted);
        Assert.False(late.IsCompleted);
        pair.Peer.HalfClose();
        await Task.WhenAll(early, second, late).Within();
        Assert.True(pair.Server.WaitClosedAsync().IsCompletedSuccessfully);
    }

    [Fact, Trait("Conformance", "D2")]
    public async Task WaitClosed_ClientsGoneBeforeClose_ReturnsAtClose()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        pair.Peer.HalfClose();
        await pair.Protocol.Lost.Within();
        Task waiting = pair.Server.WaitClosedAsync();
        await _test.IterationsAsync();
        Assert.False(waiting.IsCompleted);
        pair.Server.Close();
        pair.Server.Close();
        await waiting.Within();
    }

    [Fact, Trait("Conformance", "D4")]
    public async Task WaitClosed_OneWaiterCancelled_TheOthersGoOn()
    {
        Server server = Serve(static () => new ProbeProtocol());
        using var cancel = new CancellationTokenSource();
        Task cancelled = server.WaitClosedAsync(cancel.Token);
        Task other = server.WaitClosedAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Within());
        Assert.False(other.IsCompleted);
        server.Close();
        await other.Within();
    }

    [Fact, Trait("Conformance", "D5")]
    public async Task CloseClients_WithQueues_FlushesThenCloses()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        byte[] sent = Pattern(2_000_000);
        await _test.RunAsync(() => pair.Transport.Write(sent));
        pair.Server.CloseClients();
        AssertBytes(sent, await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await pair.Protocol.Lost.Within());
        Assert.True(pair.Server.IsServing);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "D5")]
    public async Task AbortClients_FullQueueAndPausedReader_EndsAtOnce()
    {
        Pair pair = await PairAsync(new ProbeProtocol { OnMade = static transport => transport.PauseReading() }, bufferBytes: 4096);
        await pair.Peer.SendAsync("unread");
        await _test.RunAsync(() => pair.Transport.Write(new byte[8_000_000]));
        pair.Server.AbortClients();
        Assert.Null(await pair.Protocol.Lost.Within());
        AssertSound(pair.Protocol);
        await AssertClosesAsync(pair.Server);
    }

    [Fact, Trait("Conformance", "D6"), Trait("Conformance", "D7")]
    public async Task ServeForever_Cancelled_ClosesTheListenerDrainsIdleClientsAndThrows()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        using var cancel = new CancellationTokenSource();
        Task serving = pair.Server.ServeForeverAsync(cancel.Token);
        await _test.IterationsAsync();
        Assert.False(serving.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.Within());
        Assert.Null(await pair.Protocol.Lost.Within());
        Assert.Equal(0, pair.Server.Connections);
        await AssertRefusedAsync(pair.Server);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "D6")]
    public async Task ServeForever_SecondCallOrClosedServer_Throws()
    {
        Server server = Serve(static () => new ProbeProtocol());
        Task first = server.ServeForeverAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => server.ServeForeverAsync().Within());
        Assert.False(first.IsCompleted);
        server.Close();
        await first.Within();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => server.ServeForeverAsync().Within());
    }

    [Fact, Trait("Conformance", "D6")]
    public async Task ServeForever_AwaitedOnTheLoop_EndsAtClose()
    {
        Server server = Serve(static () => new ProbeProtocol());
        await _test.RunAsync(async () =>
        {
            Task serving = server.ServeForeverAsync();
            server.Close();
            await serving;
        });
    }

    [Fact, Trait("Conformance", "D8")]
    public async Task AwaitUsing_ServerWithAnIdleClient_DrainsAndCloses()
    {
        var protocol = new ProbeProtocol();
        await using (Server server = Serve(() => protocol))
        {
            await ConnectAsync(server);
            await protocol.Made.Within();
        }
        Assert.Null(await protocol.Lost.Within());
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "D10")]
    public async Task Close_FromAProtocolCallback_IsSafe()
    {
        Server? server = null;
        var protocol = new ProbeProtocol
        {
            OnMade = _ => server!.Close(),
            OnData = _ =>
            {
                server!.Close();
                server.CloseClients();
                server.AbortClients();
            },
        };
        server = Serve(() => protocol);
        RawPeer peer = await ConnectAsync(server);
        await protocol.Made.Within();
        await peer.SendAsync("x");
        Assert.Null(await protocol.Lost.Within());
        await server.WaitClosedAsync().Within();
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "D10")]
    public async Task Close_FromAnotherServersCallback_IsSafe()
    {
        var ofOther = new ProbeProtocol();
        Server other = Serve(() => ofOther);
        await ConnectAsync(other);
        await ofOther.Made.Within();
        var protocol = new ProbeProtocol
        {
            OnLost = _ =>
            {
                other.Close();
                other.AbortClients();
            },
        };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        await protocol.Lost.Within();
        await other.WaitClosedAsync().Within();
        await AssertClosesAsync(pair.Server);
        AssertSound(ofOther);
    }

    [Fact, Trait("Conformance", "D10")]
    public async Task Shutdown_FromAProtocolCallback_CompletesAndASecondCallSharesIt()
    {
        Task<DrainReport>? first = null;
        Task<DrainReport>? second = null;
        Server? server = null;
        var protocol = new ProbeProtocol
        {
            OnData = _ =>
            {
                first = server!.ShutdownAsync(TimeSpan.FromSeconds(5));
                second = server.ShutdownAsync(TimeSpan.FromSeconds(9));
            },
        };
        server = Serve(() => protocol);
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("x");
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal(new DrainReport(1, 0, (await first!.Within()).Elapsed), await second!.Within());
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "D7")]
    public async Task Shutdown_LinesInFlight_AreAnsweredBeforeTheEnd()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol { OnData = data => protocol!.Transport.Write(data) };
        Pair pair = await PairAsync(protocol);
        byte[] sent = Pattern(500_000);
        IDisposable held = await _test.HoldAsync();
        await pair.Peer.SendAsync(sent.AsMemory(0, 50_000));
        Task<DrainReport> shutdown = pair.Server.ShutdownAsync();
        held.Dispose();
        AssertBytes(sent.AsMemory(0, 50_000), await pair.Peer.ReceiveToEndAsync());
        Assert.True((await shutdown.Within()).IsClean);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "D7")]
    public async Task Shutdown_DrainTimeoutZero_AbortsAtOnce()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        DrainReport report = await pair.Server.ShutdownAsync(TimeSpan.Zero).Within();
        Assert.Equal(1, report.Aborted);
        Assert.Null(await pair.Protocol.Lost.Within());
        if (Transport.HasReset)
        {
            Assert.True(await pair.Peer.EndAsync());
        }
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => pair.Server.ShutdownAsync(TimeSpan.FromSeconds(-1)));
    }

    [Fact, Trait("Conformance", "D7")]
    public async Task Shutdown_DrainingProtocols_AreToldAndMayCloseThemselves()
    {
        var says = new DrainingProbe { ClosesItself = true };
        var stays = new DrainingProbe { ClosesItself = false };
        var protocols = new Queue<DrainingProbe>([says, stays]);
        Server server = Serve(protocols.Dequeue);
        RawPeer one = await ConnectAsync(server);
        await says.Made.Within();
        RawPeer two = await ConnectAsync(server);
        await stays.Made.Within();
        Task<DrainReport> shutdown = server.ShutdownAsync();
        Assert.Equal("goodbye"u8.ToArray(), await two.ReceiveToEndAsync());
        Assert.Equal("goodbye", await one.ReceiveTextAsync(7));
        await one.SendAsync("one more");
        await says.ReceivedAsync(8);
        Assert.False(says.Lost.IsCompleted);
        await _test.RunAsync(says.Transport.Close);
        DrainReport report = await shutdown.Within();
        Assert.Equal((2, 0), (report.Closed, report.Aborted));
        AssertSound(says);
        AssertSound(stays);
    }

    private sealed class DrainingProbe : ProbeProtocol, IDrainingProtocol
    {
        public bool ClosesItself { get; init; }

        public bool DrainStarted()
        {
            Transport.Write("goodbye"u8);
            return ClosesItself;
        }
    }
}
