using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

// A: accepting. What needs the kernel's own listener is in EpollAcceptTests.
public abstract partial class TransportConformance
{
    [Fact, Trait("Conformance", "A1")]
    public async Task Accept_ManyClientsAtOnce_AllAreServedInFewIterations()
    {
        const int count = 100;
        Server server = Serve(static () => new ProbeProtocol());
        IDisposable held = await _test.HoldAsync();
        long before = _test.Loop.Iterations;
        Task<RawPeer[]> connecting = Task.WhenAll(Enumerable.Range(0, count).Select(_ => ConnectOneAsync()));
        async Task<RawPeer> ConnectOneAsync()
        {
            RawPeer peer = await Transport.ConnectAsync(server);
            lock (_cleanUp)
            {
                _cleanUp.Add(peer);
            }
            return peer;
        }
        if (Transport.AcceptsInTheKernel)
        {
            await connecting.Within();
        }
        held.Dispose();
        await connecting.Within();
        await Deadlines.UntilAsync(() => server.Connections == count, $"{count} connections");
        if (Transport.AcceptsInTheKernel)
        {
            Assert.InRange(await _test.RunAsync(() => _test.Loop.Iterations) - before, 1, count / 2);
        }
    }

    [Fact, Trait("Conformance", "A6")]
    public async Task ProtocolFactory_ThrowsOrReturnsNull_SocketClosedReportedAndTheListenerSurvives()
    {
        var good = new ProbeProtocol();
        int call = 0;
        Server server = Serve(() => ++call switch
        {
            1 => throw new InvalidOperationException("factory"),
            2 => null!,
            _ => good,
        });
        for (int i = 0; i < 2; i++)
        {
            if (await TryConnectAsync(server) is { } peer)
            {
                await SendQuietlyAsync(peer, "hello?");
                await peer.EndAsync();
            }
        }
        RawPeer served = await ConnectAsync(server);
        await served.SendAsync("ok");
        await good.ReceivedAsync(2);
        await Deadlines.UntilAsync(() => _test.Reports.Count == 2, "two reports");
        Assert.All(_test.Reports, report => Assert.Same(server, report.Source));
        Assert.Equal(1, server.Connections);
        served.HalfClose();
        await AssertClosesAsync(server);
        AssertSound(good, reports: 2);
    }

    [Fact, Trait("Conformance", "A6")]
    public async Task ProtocolFactory_ThrowsAndTheHandlerThrowsToo_TheListenerSurvives()
    {
        var good = new ProbeProtocol();
        int call = 0;
        _test.Loop.ExceptionHandler = static _ => throw new InvalidOperationException("handler");
        Server server = Serve(() => ++call == 1 ? throw new InvalidOperationException("factory") : good);
        await ((await TryConnectAsync(server))?.EndAsync() ?? Task.CompletedTask);
        RawPeer served = await ConnectAsync(server);
        await served.SendAsync("ok");
        await good.ReceivedAsync(2);
        AssertSound(good);
    }

    [Fact, Trait("Conformance", "A7")]
    public async Task Close_InTheTurnOfAnAccept_EachConnectionIsServedAndCountedOrClosed()
    {
        for (int round = 0; round < 30; round++)
        {
            var protocols = new System.Collections.Concurrent.ConcurrentBag<ProbeProtocol>();
            Server server = Serve(() =>
            {
                var protocol = new ProbeProtocol();
                protocols.Add(protocol);
                return protocol;
            });
            Task[] clients = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                try
                {
                    using RawPeer peer = await Transport.ConnectAsync(server);
                    peer.HalfClose();
                    await peer.EndAsync();
                }
                catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
                {
                    // Refused.
                }
            }))];
            if (round % 2 == 0)
            {
                await Deadlines.UntilAsync(() => !protocols.IsEmpty, "a first connection");
            }
            server.Close();
            await server.WaitClosedAsync().Within();
            Assert.Equal(0, server.Connections);
            Assert.All(protocols, static protocol => Assert.True(protocol.Lost.IsCompleted));
            Assert.Equal(protocols.Count, server.TotalConnections);
            await Task.WhenAll(clients).Within();
            Assert.All(protocols, protocol => AssertSound(protocol));
        }
    }

    [Fact, Trait("Conformance", "A10")]
    public async Task ConnectionMade_Addresses_AreBothKnown()
    {
        Assert.SkipUnless(Transport.HasAddresses, $"{Transport.Name}: has no addresses");
        EndPoint? local = null;
        EndPoint? remote = null;
        var protocol = new ProbeProtocol
        {
            OnMade = transport =>
            {
                local = transport.LocalEndPoint;
                remote = transport.RemoteEndPoint;
            },
        };
        Pair pair = await PairAsync(protocol);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, pair.Server.Port), local);
        Assert.Equal(((SocketPeer)pair.Peer).Socket.LocalEndPoint, remote);
    }

    [Fact, Trait("Conformance", "A12")]
    public async Task MaxConnections_Reached_TheNextClientWaitsUntilOneLeavesAndTheLoopSleeps()
    {
        var protocols = new System.Collections.Concurrent.ConcurrentQueue<ProbeProtocol>();
        Server server = Serve(
            () =>
            {
                var protocol = new ProbeProtocol();
                protocols.Enqueue(protocol);
                return protocol;
            },
            new ServerOptions { MaxConnections = 2 });
        RawPeer first = await ConnectAsync(server);
        await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 2, "two connections");
        RawPeer third = await ConnectAsync(server);
        await third.SendAsync("patient");
        await ConnectAsync(server);
        await _test.IterationsAsync(5);
        Assert.Equal(2, protocols.Count);
        long before = _test.Loop.Iterations;
        // Not a wait for something, but a look at what must not happen: a loop that goes round on a listener that it does not want.
        await Task.Delay(50);
        Assert.InRange(_test.Loop.Iterations - before, 0, 5);
        first.HalfClose();
        await Deadlines.UntilAsync(() => protocols.Count == 3, "the third client");
        await protocols.ElementAt(2).ReceivedAsync(7);
        Assert.Equal(2, server.Connections);
    }

    [Fact, Trait("Conformance", "A12")]
    public async Task PauseAccepting_NewClients_WaitUntilResume()
    {
        var protocol = new ProbeProtocol();
        Server server = Serve(() => protocol);
        await _test.IterationsAsync();
        server.PauseAccepting();
        await _test.IterationsAsync();
        Assert.False(server.IsServing);
        Task<RawPeer> connecting = ConnectAsync(server);
        if (Transport.AcceptsInTheKernel)
        {
            await connecting.Within();
        }
        await _test.IterationsAsync(5);
        Assert.Equal(0, server.Connections);
        server.ResumeAccepting();
        await connecting.Within();
        await protocol.Made.Within();
        Assert.True(server.IsServing);
        server.PauseAccepting();
        await _test.IterationsAsync();
        (await connecting).HalfClose();
        await AssertClosesAsync(server);
        AssertSound(protocol);
    }

    private static async Task SendQuietlyAsync(RawPeer peer, string text)
    {
        try
        {
            await peer.SendAsync(text);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException or ConnectionResetException)
        {
            // Closed already.
        }
    }
}
