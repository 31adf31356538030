using System.Text;

namespace ProtoServer.Tests;

/// <summary>Ending a server under load loses nothing that was received.</summary>
public sealed class DrainTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    [Theory, Trait("Conformance", "D7")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Shutdown_ClientThatHasOnlyJustCome_IsHeardAndAnswered(bool streams)
    {
        SocketPeer? peer = null;
        var shutdown = new TaskCompletionSource<Task<DrainReport>>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server? server = null;
        void Accepted()
        {
            shutdown.SetResult(server!.ShutdownAsync());
            _test.Loop.CallLater(TimeSpan.FromMilliseconds(20), () => peer!.Socket.Send("line\n"u8));
        }
        server = streams
            ? _test.Loop.StartServer(
                async connection =>
                {
                    Accepted();
                    await foreach (string line in connection.ReadLinesAsync())
                    {
                        await connection.WriteLineAsync(line);
                    }
                },
                "127.0.0.1",
                0)
            : _test.Loop.CreateServer(
                () =>
                {
                    ProbeProtocol? protocol = null;
                    protocol = new ProbeProtocol { OnMade = _ => Accepted(), OnData = data => protocol!.Transport.Write(data) };
                    return protocol;
                },
                "127.0.0.1",
                0);
        using (IDisposable held = await _test.HoldAsync())
        {
            peer = await SocketPeer.ConnectAsync(server.Port);
        }
        using (peer)
        {
            Assert.Equal("line\n", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
        }
        Assert.True((await (await shutdown.Task.Within()).Within()).IsClean);
    }

    [Fact]
    public async Task Shutdown_LoopIsClosedMeanwhile_EndsAndCountsWhatWasOpenAsAborted()
    {
        Server server = _test.Loop.CreateServer(static () => new EchoProtocol(), "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection");
        // It has said nothing yet: the drain gives it a quarter of a second.
        Task<DrainReport> shutdown = server.ShutdownAsync();
        Task<DrainReport> again = server.ShutdownAsync();
        await _test.IterationsAsync();
        _test.Dispose();
        foreach (DrainReport report in new[] { await shutdown.Within(), await again.Within(), await server.ShutdownAsync().Within() })
        {
            Assert.Equal((0, 1), (report.Closed, report.Aborted));
        }
    }

    [Fact]
    public async Task Shutdown_WithAllTheTime_EndsWhenTheConnectionsDo()
    {
        Server server = _test.Loop.CreateServer(static () => new EchoProtocol(), "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync("x");
        await peer.ReceiveTextAsync(1);
        Assert.True((await server.ShutdownAsync(TimeSpan.MaxValue).Within()).IsClean);
    }

    [Fact, Trait("Conformance", "D7")]
    public async Task Shutdown_MoreReadyConnectionsThanOnePollReports_EveryReceivedLineIsAnswered()
    {
        // Several batches of the poller: the last connections get their turn only some iterations after the drain has begun.
        const int count = 1500;
        Server server = _test.Loop.CreateServer(static () =>
        {
            ProbeProtocol? protocol = null;
            protocol = new ProbeProtocol { OnData = data => protocol!.Transport.Write(data) };
            return protocol;
        }, "127.0.0.1", 0);
        var peers = new List<SocketPeer>();
        try
        {
            for (int i = 0; i < count; i++)
            {
                peers.Add(await SocketPeer.ConnectAsync(server.Port));
            }
            await Deadlines.UntilAsync(() => server.Connections == count, $"{count} connections");
            IDisposable held = await _test.HoldAsync();
            foreach (SocketPeer peer in peers)
            {
                // Loopback: when send(2) returns, the line has been received.
                peer.Socket.Send("line\n"u8);
            }
            Task<DrainReport> shutdown = server.ShutdownAsync();
            held.Dispose();
            int answered = 0;
            foreach (SocketPeer peer in peers)
            {
                byte[] answer = await peer.ReceiveToEndAsync();
                answered += Encoding.ASCII.GetString(answer) == "line\n" ? 1 : 0;
            }
            Assert.Equal(count, answered);
            DrainReport report = await shutdown.Within();
            Assert.Equal((count, 0), (report.Closed, report.Aborted));
        }
        finally
        {
            peers.ForEach(static peer => peer.Dispose());
        }
    }
}
