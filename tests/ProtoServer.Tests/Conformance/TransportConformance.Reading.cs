using System.Buffers;
using System.Diagnostics;

namespace ProtoServer.Tests;

// R: reading.
public abstract partial class TransportConformance
{
    [Fact, Trait("Conformance", "R1")]
    public async Task PauseAndResumeReading_Repeated_AreIdempotentAndIsReadingIsExact()
    {
        var protocol = new ProbeProtocol { OnEof = static () => true };
        Pair pair = await PairAsync(protocol);
        await _test.RunAsync(() =>
        {
            Assert.True(pair.Transport.IsReading);
            pair.Transport.ResumeReading();
            Assert.True(pair.Transport.IsReading);
            pair.Transport.PauseReading();
            pair.Transport.PauseReading();
            Assert.False(pair.Transport.IsReading);
            pair.Transport.ResumeReading();
            pair.Transport.ResumeReading();
            Assert.True(pair.Transport.IsReading);
        });
        await pair.Peer.SendAsync("once");
        await protocol.ReceivedAsync(4);
        pair.Peer.HalfClose();
        await Deadlines.UntilAsync(() => protocol.Events == "MDE", "the end of the peer");
        await _test.RunAsync(() =>
        {
            Assert.False(pair.Transport.IsReading);
            pair.Transport.PauseReading();
            pair.Transport.ResumeReading();
            Assert.False(pair.Transport.IsReading);
            pair.Transport.Close();
            pair.Transport.PauseReading();
            pair.Transport.ResumeReading();
            Assert.False(pair.Transport.IsReading);
        });
        Assert.Null(await protocol.Lost.Within());
        await _test.RunAsync(() =>
        {
            pair.Transport.PauseReading();
            pair.Transport.ResumeReading();
        });
        Assert.Equal("once", protocol.ReceivedText);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R1")]
    public async Task PauseReading_PeersEofWithNothingUnread_IsStillNoticed()
    {
        var protocol = new ProbeProtocol { OnMade = static transport => transport.PauseReading() };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("MEL", protocol.Events);
    }

    [Fact, Trait("Conformance", "R1")]
    public async Task PauseReading_BytesThenEof_BytesComeFirstAfterResume()
    {
        var protocol = new ProbeProtocol { OnMade = static transport => transport.PauseReading() };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("unread");
        pair.Peer.HalfClose();
        await _test.IterationsAsync(5);
        Assert.Equal("M", protocol.Events);
        await _test.RunAsync(pair.Transport.ResumeReading);
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("MDEL", protocol.Events);
        Assert.Equal("unread", protocol.ReceivedText);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R2")]
    public async Task PauseReading_InTheIterationInWhichBytesArrive_KeepsThemBack()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        IDisposable held = await _test.HoldAsync(then: pair.Transport.PauseReading);
        await pair.Peer.SendAsync("ready already");
        held.Dispose();
        await _test.IterationsAsync(5);
        Assert.Equal("M", pair.Protocol.Events);
        await _test.RunAsync(pair.Transport.ResumeReading);
        await pair.Protocol.ReceivedAsync(13);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "R2")]
    public async Task PauseReading_OfAnotherConnectionReadyInTheSamePoll_KeepsItsBytesBack()
    {
        var protocols = new List<ProbeProtocol>();
        Server server = Serve(() =>
        {
            ProbeProtocol? protocol = null;
            protocol = new ProbeProtocol
            {
                OnData = _ => protocols.ForEach(other =>
                {
                    if (other != protocol)
                    {
                        other.Transport.PauseReading();
                    }
                }),
            };
            protocols.Add(protocol);
            return protocol;
        });
        RawPeer one = await ConnectAsync(server);
        RawPeer two = await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 2, "two connections");
        IDisposable held = await _test.HoldAsync();
        await one.SendAsync("1");
        await two.SendAsync("2");
        held.Dispose();
        await Deadlines.UntilAsync(() => protocols.Any(static protocol => protocol.ReceivedCount > 0), "one of them");
        await _test.IterationsAsync(5);
        Assert.Single(protocols, static protocol => protocol.ReceivedCount == 1);
        Assert.Single(protocols, static protocol => protocol.ReceivedCount == 0);
        await _test.RunAsync(() => protocols.ForEach(static protocol => protocol.Transport.ResumeReading()));
        await Deadlines.UntilAsync(() => protocols.All(static protocol => protocol.ReceivedCount == 1), "both");
    }

    [Fact, Trait("Conformance", "R1")]
    public async Task ResumeReading_HeldBytes_ComeInALaterCallbackAndPausingAgainKeepsThemBack()
    {
        var protocol = new ProbeProtocol { OnMade = static transport => transport.PauseReading() };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("held");
        await _test.IterationsAsync(5);
        for (int i = 0; i < 3; i++)
        {
            await _test.RunAsync(() =>
            {
                pair.Transport.ResumeReading();
                pair.Transport.PauseReading();
            });
            await _test.IterationsAsync();
            Assert.Equal("M", protocol.Events);
        }
        await _test.RunAsync(pair.Transport.ResumeReading);
        await protocol.ReceivedAsync(4);
        Assert.Equal("held", protocol.ReceivedText);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R1")]
    public async Task PauseReading_InEachDataReceived_NothingIsLostOrDoubled()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = _ =>
            {
                ITransport transport = protocol!.Transport;
                transport.PauseReading();
                transport.Loop.CallSoon(static transport => transport.ResumeReading(), transport);
            },
        };
        Pair pair = await PairAsync(protocol);
        byte[] sent = Pattern(3_000_000);
        Task sending = Task.Run(() => pair.Peer.SendAsync(sent));
        await protocol.ReceivedAsync(sent.Length);
        await sending.Within();
        AssertBytes(sent, protocol.Received);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R5")]
    public async Task BufferedProtocol_TakesAtMostFiftyBytesAtATime_123123BytesArriveIntact()
    {
        BufferedProbe? protocol = null;
        protocol = new BufferedProbe
        {
            Consume = static data => Math.Min(50, data.Length),
            OnData = data =>
            {
                // What is left is offered again with the next bytes, or at once after resuming.
                protocol!.Transport.PauseReading();
                protocol.Transport.Loop.CallSoon(static transport => transport.ResumeReading(), protocol.Transport);
            },
        };
        Pair pair = await PairAsync(protocol);
        byte[] sent = Pattern(123_123);
        Task sending = Task.Run(() => pair.Peer.SendAsync(sent));
        await protocol.ReceivedAsync(sent.Length);
        await sending.Within();
        AssertBytes(sent, protocol.Received);
        Assert.True(protocol.Offers >= 123_123 / 50);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R5")]
    public async Task BufferedProtocol_LeavesEverythingUntilItIsComplete_GetsItWhole()
    {
        const int frame = 300_000;
        var protocol = new BufferedProbe { Consume = static data => data.Length >= frame ? frame : 0 };
        Pair pair = await PairAsync(protocol);
        byte[] sent = Pattern(2 * frame);
        Task sending = Task.Run(() => pair.Peer.SendAsync(sent));
        await protocol.ReceivedAsync(2 * frame);
        await sending.Within();
        AssertBytes(sent, protocol.Received);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R5")]
    public async Task BufferedProtocol_ConsumesToASegmentsEndThenAPlainOneFollows_NoEmptyData()
    {
        var second = new ProbeProtocol { IsSuccessor = true };
        BufferedProbe? first = null;
        first = new BufferedProbe
        {
            ConsumeTo = data =>
            {
                if (data.Length < 10_000 || data.IsSingleSegment)
                {
                    return data.Start;
                }
                // The position behind the last byte of the first segment, not the one before the first of the second.
                first!.Transport.Protocol = second;
                return new SequencePosition(data.Start.GetObject(), data.Start.GetInteger() + data.First.Length);
            },
        };
        Pair pair = await PairAsync(first);
        byte[] sent = Pattern(20_000);
        for (int at = 0; at < sent.Length; at += 100)
        {
            await pair.Peer.SendAsync(sent.AsMemory(at, 100));
            if (at < 300)
            {
                // So that the first bytes are kept in a small block.
                await _test.IterationsAsync(1);
            }
        }
        await Deadlines.UntilAsync(() => second.ReceivedCount > 0, "bytes for the second protocol");
        await second.ReceivedAsync(second.ReceivedCount);
        await Deadlines.UntilAsync(() => sent.AsSpan().EndsWith(second.Received) && second.Received[^1] == sent[^1], "the rest");
        AssertSound(second);
    }

    [Theory, Trait("Conformance", "R6")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BufferedProtocol_ThrowsOrReturnsAForeignPosition_ReportedAndTornDown(bool throws)
    {
        var foreign = new ReadOnlySequence<byte>(new byte[100]);
        var protocol = new BufferedProbe
        {
            ConsumeTo = data => throws ? throw new InvalidOperationException("data") : foreign.End,
        };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("hello");
        Assert.NotNull(await protocol.Lost.Within());
        Assert.Single(_test.Reports);
        await pair.Peer.EndAsync();
        await AssertClosesAsync(pair.Server);
    }

    [Fact, Trait("Conformance", "R6")]
    public async Task BufferedProtocol_NeverConsumes_EndsAtTheInputLimitAsAViolation()
    {
        var protocol = new BufferedProbe { Consume = static _ => 0 };
        Pair pair = await PairAsync(protocol, new ServerOptions { InputLimitBytes = 100_000 });
        Task sending = Task.Run(() => pair.Peer.SendAsync(new byte[1_000_000]));
        Assert.IsType<ProtocolViolationException>(await protocol.Lost.Within());
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default).Within();
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "R7")]
    public async Task NoisyConnection_OthersReady_GetTheirTurn()
    {
        var noisy = new ProbeProtocol();
        var quiet = new ProbeProtocol();
        var protocols = new Queue<ProbeProtocol>([noisy, quiet]);
        Server server = Serve(protocols.Dequeue);
        RawPeer noisyPeer = await ConnectAsync(server);
        await noisy.Made.Within();
        RawPeer quietPeer = await ConnectAsync(server);
        await quiet.Made.Within();
        long noisyBytes = 0;
        long mostPerTurn = 0;
        long turn = -1;
        long inTurn = 0;
        noisy.OnData = data =>
        {
            noisyBytes += data.Length;
            inTurn = turn == _test.Loop.Iterations ? inTurn + data.Length : data.Length;
            turn = _test.Loop.Iterations;
            mostPerTurn = Math.Max(mostPerTurn, inTurn);
        };
        using var stop = new CancellationTokenSource();
        Task noise = Task.Run(async () =>
        {
            byte[] bytes = new byte[256 * 1024];
            while (!stop.IsCancellationRequested)
            {
                await noisyPeer.SendAsync(bytes);
            }
        });
        await Deadlines.UntilAsync(() => Volatile.Read(ref noisyBytes) > 2_000_000, "noise");
        long started = Stopwatch.GetTimestamp();
        await quietPeer.SendAsync("me too");
        await quiet.ReceivedAsync(6);
        await stop.CancelAsync();
        await noise.Within();
        // What a turn of one connection is bounded by: what a read that was waited for gave, and then 64 KiB with what one more read gave on top; a read gives 64 KiB at most.
        Assert.InRange(await _test.RunAsync(() => mostPerTurn), 1, 192 * 1024);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(5));
    }

    [Fact, Trait("Conformance", "R8")]
    public async Task BufferedProtocol_Eof_GetsWhatIsUnconsumedThenEofThenTheEnd()
    {
        var protocol = new BufferedProbe { Consume = static data => Math.Min(3, data.Length) };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("abcde");
        await protocol.ReceivedAsync(3);
        await _test.IterationsAsync();
        pair.Peer.HalfClose();
        Assert.Null(await protocol.Lost.Within());
        Assert.EndsWith("EL", protocol.Events, StringComparison.Ordinal);
        Assert.Equal(5 - protocol.ReceivedCount, protocol.UnconsumedAtEof);
        AssertSound(protocol);
    }
}
