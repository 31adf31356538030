using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

// P: a connection from its factory to its last callback.
public abstract partial class TransportConformance
{
    [Fact, Trait("Conformance", "P1")]
    public async Task Connection_DataThenEof_CallbacksComeInOrder()
    {
        var protocol = new ProbeProtocol();
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("hello");
        pair.Peer.HalfClose();
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("MDEL", protocol.Events);
        Assert.Equal("hello", protocol.ReceivedText);
        AssertSound(protocol);
        await AssertClosesAsync(pair.Server);
    }

    [Fact, Trait("Conformance", "P1")]
    public async Task Connection_Many_EachGetsItsOwnProtocolMadeOnceAndLostOnce()
    {
        var protocols = new System.Collections.Concurrent.ConcurrentBag<ProbeProtocol>();
        Server server = Serve(() =>
        {
            var protocol = new ProbeProtocol();
            protocols.Add(protocol);
            return protocol;
        });
        for (int i = 0; i < 20; i++)
        {
            RawPeer peer = await ConnectAsync(server);
            await peer.SendAsync($"{i}");
            peer.HalfClose();
        }
        await Deadlines.UntilAsync(() => protocols.Count == 20, "20 protocols");
        await Task.WhenAll(protocols.Select(static protocol => protocol.Lost)).Within();
        Assert.All(protocols, static protocol => Assert.Equal("MDEL", protocol.Events));
        Assert.Equal(20, protocols.Select(static protocol => protocol.ReceivedText).Distinct().Count());
        Assert.Equal(20, server.TotalConnections);
    }

    [Fact, Trait("Conformance", "P1")]
    public async Task Connection_LoopDisposedWhileOpen_ConnectionLostStillComes()
    {
        var protocol = new ProbeProtocol();
        await PairAsync(protocol);
        _test.Loop.Dispose();
        await protocol.Lost.Within();
        Assert.Equal("ML", protocol.Events);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P2")]
    public async Task ConnectionMade_BytesAlreadyWaiting_ReturnsBeforeTheyArrive()
    {
        int receivedInMade = -1;
        ProbeProtocol? protocol = null;
        var mayMake = new ManualResetEventSlim();
        protocol = new ProbeProtocol
        {
            OnMade = _ =>
            {
                mayMake.Wait(Deadlines.Default);
                receivedInMade = protocol!.Received.Length;
            },
        };
        Server server = Serve(() => protocol);
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("early");
        mayMake.Set();
        await protocol.ReceivedAsync(5);
        Assert.Equal(0, receivedInMade);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P3")]
    public async Task PauseReading_InConnectionMade_NothingArrivesUntilResumeAndNothingIsLost()
    {
        var protocol = new ProbeProtocol { OnMade = static transport => transport.PauseReading() };
        Pair pair = await PairAsync(protocol);
        byte[] sent = Pattern(200_000);
        Task sending = pair.Peer.SendAsync(sent);
        await _test.IterationsAsync(10);
        Assert.Equal("M", protocol.Events);
        await _test.RunAsync(() =>
        {
            pair.Transport.ResumeReading();
            Assert.Equal("M", protocol.Events);
        });
        await protocol.ReceivedAsync(sent.Length);
        await sending.Within();
        Assert.Equal(sent, protocol.Received);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P4")]
    public async Task Close_InConnectionMade_NoDataAndARegularEnd()
    {
        var protocol = new ProbeProtocol { OnMade = static transport => transport.Close() };
        Server server = Serve(() => protocol);
        RawPeer peer = await ConnectAsync(server);
        try
        {
            await peer.SendAsync("too late");
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            // Closed already.
        }
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("ML", protocol.Events);
        AssertSound(protocol);
        await AssertClosesAsync(server);
    }

    [Fact, Trait("Conformance", "P5")]
    public async Task Abort_InConnectionMade_NoDataAndNullAtTheEnd()
    {
        var protocol = new ProbeProtocol
        {
            OnMade = static transport =>
            {
                transport.Write("never sent"u8);
                transport.Abort();
            },
        };
        Server server = Serve(() => protocol);
        RawPeer? peer = await TryConnectAsync(server);
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("ML", protocol.Events);
        if (Transport.HasReset && peer is not null)
        {
            Assert.True(await peer.EndAsync(), "an abort resets");
        }
        AssertSound(protocol);
        await AssertClosesAsync(server);
    }

    [Fact, Trait("Conformance", "P6")]
    public async Task ConnectionMade_Throws_ReportedLostWithThatExceptionAndTheServerGoesOn()
    {
        var thrown = new InvalidOperationException("made");
        int count = 0;
        var bad = new ProbeProtocol { OnMade = _ => throw thrown };
        var good = new ProbeProtocol();
        Server server = Serve(() => ++count == 1 ? bad : good);
        RawPeer? first = await TryConnectAsync(server);
        Assert.Same(thrown, await bad.Lost.Within());
        await (first?.EndAsync() ?? Task.CompletedTask);
        RawPeer second = await ConnectAsync(server);
        await second.SendAsync("ok");
        await good.ReceivedAsync(2);
        LoopErrorContext report = Assert.Single(_test.Reports);
        Assert.Same(thrown, report.Exception);
        Assert.Equal("ProbeProtocol.ConnectionMade", report.Callback);
        Assert.Equal("ML", bad.Events);
        Assert.Equal(1, server.Connections);
    }

    [Fact, Trait("Conformance", "P7")]
    public async Task DataReceived_Throws_ReportedAndOnlyThatConnectionIsLost()
    {
        var thrown = new InvalidOperationException("data");
        var protocols = new Queue<ProbeProtocol>();
        var bad = new ProbeProtocol { OnData = _ => throw thrown };
        var good = new ProbeProtocol();
        protocols.Enqueue(good);
        protocols.Enqueue(bad);
        Server server = Serve(protocols.Dequeue);
        RawPeer goodPeer = await ConnectAsync(server);
        await good.Made.Within();
        RawPeer badPeer = await ConnectAsync(server);
        await badPeer.SendAsync("boom");
        Assert.Same(thrown, await bad.Lost.Within());
        await badPeer.EndAsync();
        await goodPeer.SendAsync("fine");
        await good.ReceivedAsync(4);
        LoopErrorContext report = Assert.Single(_test.Reports);
        Assert.Equal("ProbeProtocol.DataReceived", report.Callback);
        Assert.IsAssignableFrom<ITransport>(report.Source);
        AssertSound(bad, reports: 1);
        AssertSound(good, reports: 1);
    }

    [Fact, Trait("Conformance", "P8")]
    public async Task EofReceived_Throws_ReportedAndLostWithThatException()
    {
        var thrown = new InvalidOperationException("eof");
        var protocol = new ProbeProtocol { OnEof = () => throw thrown };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        Assert.Same(thrown, await protocol.Lost.Within());
        Assert.Equal("MEL", protocol.Events);
        Assert.Equal("ProbeProtocol.EofReceived", Assert.Single(_test.Reports).Callback);
        AssertSound(protocol, reports: 1);
    }

    [Fact, Trait("Conformance", "P9")]
    public async Task ConnectionLost_Throws_ReportedAndTheConnectionIsCountedOff()
    {
        var protocol = new ProbeProtocol { OnLost = _ => throw new InvalidOperationException("lost") };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        await protocol.Lost.Within();
        await AssertClosesAsync(pair.Server);
        Assert.Equal("ProbeProtocol.ConnectionLost", Assert.Single(_test.Reports).Callback);
        Assert.False(await pair.Peer.EndAsync());
    }

    [Fact, Trait("Conformance", "P10")]
    public async Task PauseAndResumeWriting_Throw_ReportedAndTheConnectionSurvives()
    {
        var protocol = new ProbeProtocol
        {
            OnPause = static () => throw new InvalidOperationException("pause"),
            OnResume = static () => throw new InvalidOperationException("resume"),
        };
        Pair pair = await PairAsync(protocol, bufferBytes: 4096);
        int written = await WriteUntilPausedAsync(pair);
        await pair.Peer.ReceiveExactlyAsync(written);
        await Deadlines.UntilAsync(() => _test.Reports.Count == 2, "two reports");
        Assert.Equal(["ProbeProtocol.PauseWriting", "ProbeProtocol.ResumeWriting"], _test.Reports.Select(static report => report.Callback));
        await _test.RunAsync(() => pair.Transport.Write("still here"u8));
        Assert.Equal("still here", await pair.Peer.ReceiveTextAsync(10));
        AssertSound(protocol, reports: 2);
    }

    [Fact, Trait("Conformance", "P11")]
    public async Task EofReceived_AnswersFalse_WhatWasWrittenIsFlushedThenTheEnd()
    {
        ProbeProtocol? protocol = null;
        byte[] answer = Pattern(300_000);
        protocol = new ProbeProtocol
        {
            OnEof = () =>
            {
                protocol!.Transport.Write(answer);
                return false;
            },
        };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        Assert.Equal(answer, await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await protocol.Lost.Within());
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P12")]
    public async Task EofReceived_AnswersTrue_MayGoOnWritingUntilClose()
    {
        var protocol = new ProbeProtocol { OnEof = static () => true };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        await Deadlines.UntilAsync(() => protocol.Events == "ME", "the end of the peer");
        await _test.IterationsAsync();
        await _test.RunAsync(() =>
        {
            Assert.False(pair.Transport.IsReading);
            Assert.False(pair.Transport.IsClosing);
            pair.Transport.Write("after "u8);
        });
        Assert.Equal("after ", await pair.Peer.ReceiveTextAsync(6));
        await _test.RunAsync(() =>
        {
            pair.Transport.Write("the end"u8);
            pair.Transport.Close();
        });
        Assert.Equal("the end"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("MEL", protocol.Events);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P12")]
    public async Task EofReceived_AnswersTrueThenWriteEof_BothHalvesEndedIsTheEnd()
    {
        var protocol = new ProbeProtocol { OnEof = static () => true };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        await Deadlines.UntilAsync(() => protocol.Events == "ME", "the end of the peer");
        await _test.RunAsync(() =>
        {
            pair.Transport.Write("last"u8);
            pair.Transport.WriteEof();
        });
        Assert.Equal("last"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await protocol.Lost.Within());
        AssertSound(protocol);
    }

    [Theory, Trait("Conformance", "P13")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PeerReset_WhetherReadingIsPausedOrNot_LostWithConnectionResetAndNotReported(bool paused)
    {
        SkipUnlessReset();
        var protocol = new ProbeProtocol();
        Pair pair = await PairAsync(protocol);
        if (paused)
        {
            await _test.RunAsync(pair.Transport.PauseReading);
            await pair.Peer.SendAsync("held");
            await _test.IterationsAsync();
        }
        pair.Peer.Reset();
        Assert.IsType<ConnectionResetException>(await protocol.Lost.Within());
        Assert.Equal("ML", protocol.Events);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P13")]
    public async Task PeerReset_AfterItsEofKeptOpen_LostWithAnError()
    {
        SkipUnlessReset();
        var protocol = new ProbeProtocol { OnEof = static () => true };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        await Deadlines.UntilAsync(() => protocol.Events == "ME", "the end of the peer");
        pair.Peer.Reset();
        // A peer that has sent FIN and resets is seen at the latest when something is written to it.
        await Deadlines.UntilAsync(() =>
        {
            _test.Loop.CallSoonThreadSafe(() => pair.Transport.Write("?"u8));
            return protocol.Lost.IsCompleted;
        }, "the loss");
        Assert.IsAssignableFrom<IOException>(await protocol.Lost);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P17")]
    public async Task Transfer_LargeInBothDirectionsThroughSmallBuffers_ArrivesIntact()
    {
        const int size = 8 * 1024 * 1024;
        byte[] up = Pattern(size, 2);
        byte[] down = Pattern(size, 3);
        int written = 0;
        ProbeProtocol? protocol = null;
        bool writing = true;
        void WriteMore()
        {
            while (writing && written < size)
            {
                int count = Math.Min(30_011, size - written);
                protocol!.Transport.Write(down.AsSpan(written, count));
                written += count;
            }
        }
        protocol = new ProbeProtocol
        {
            OnPause = () => writing = false,
            OnResume = () =>
            {
                writing = true;
                WriteMore();
            },
        };
        Pair pair = await PairAsync(protocol, bufferBytes: 8192);
        Task sending = Task.Run(() => pair.Peer.SendAsync(up));
        await _test.RunAsync(WriteMore);
        byte[] got = await pair.Peer.ReceiveExactlyAsync(size, TimeSpan.FromSeconds(30));
        await sending.Within(TimeSpan.FromSeconds(30));
        await protocol.ReceivedAsync(size, TimeSpan.FromSeconds(30));
        AssertBytes(down, got);
        AssertBytes(up, protocol.Received);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P18")]
    public async Task Protocol_SetMidStream_NextBytesGoToTheNewOne()
    {
        var second = new ProbeProtocol { IsSuccessor = true };
        ProbeProtocol? first = null;
        first = new ProbeProtocol { OnData = _ => first!.Transport.Protocol = second };
        Pair pair = await PairAsync(first);
        await pair.Peer.SendAsync("one");
        await first.ReceivedAsync(3);
        await pair.Peer.SendAsync("two");
        await second.ReceivedAsync(3);
        pair.Peer.HalfClose();
        Assert.Null(await second.Lost.Within());
        Assert.Equal("one", first.ReceivedText);
        Assert.Equal("two", second.ReceivedText);
        Assert.Equal("MD", first.Events);
        Assert.Equal("DEL", second.Events);
        AssertSound(second);
    }

    [Theory, Trait("Conformance", "P18")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Protocol_BufferedLeavesBytesToItsSuccessor_TheyArriveAtOnce(bool successorIsBuffered)
    {
        ProbeProtocol second = successorIsBuffered
            ? new BufferedProbe { IsSuccessor = true }
            : new ProbeProtocol { IsSuccessor = true };
        BufferedProbe? first = null;
        first = new BufferedProbe
        {
            Consume = static data => Math.Min(4, data.Length),
            OnData = _ => first!.Transport.Protocol = second,
        };
        Pair pair = await PairAsync(first);
        await pair.Peer.SendAsync("HEADbody");
        await second.ReceivedAsync(4);
        Assert.Equal("HEAD", first.ReceivedText);
        Assert.Equal("body", second.ReceivedText);
        AssertSound(first);
        AssertSound(second);
    }

    [Theory, Trait("Conformance", "P18")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Protocol_SetOutsideACallbackWhileBytesAreKept_TheSuccessorGetsThemAtOnce(bool successorIsBuffered)
    {
        ProbeProtocol second = successorIsBuffered ? new BufferedProbe { IsSuccessor = true } : new ProbeProtocol { IsSuccessor = true };
        var offered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = new BufferedProbe
        {
            Consume = data =>
            {
                offered.TrySetResult();
                return 0;
            },
        };
        Pair pair = await PairAsync(first);
        await pair.Peer.SendAsync("rest");
        await offered.Task.Within();
        await _test.RunAsync(() =>
        {
            pair.Transport.Protocol = second;
            Assert.Equal(0, second.ReceivedCount);
        });
        await second.ReceivedAsync(4);
        Assert.Equal("rest", second.ReceivedText);
        AssertSound(second);
    }

    [Fact, Trait("Conformance", "P18")]
    public async Task Protocol_SetToNull_Throws()
    {
        var protocol = new ProbeProtocol();
        Pair pair = await PairAsync(protocol);
        await _test.RunAsync(() => Assert.Throws<ArgumentNullException>(() => pair.Transport.Protocol = null!));
        Assert.Same(protocol, pair.Transport.Protocol);
    }

    [Fact, Trait("Conformance", "P19")]
    public async Task Abort_InDataReceived_NoMoreDataAndLaterWritesAreIgnored()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = _ =>
            {
                protocol!.Transport.Abort();
                protocol.Transport.Write("ignored"u8);
                Assert.True(protocol.Transport.IsClosing);
                Assert.False(protocol.Transport.IsReading);
                Assert.Equal("MD", protocol.Events);
            },
        };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync(Pattern(100_000)).ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.Null(await protocol.Lost.Within());
        await _test.RunAsync(() => pair.Transport.Write("after the end"u8));
        Assert.Equal("MDL", protocol.Events);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P19")]
    public async Task Close_InDataReceived_NoMoreData()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = _ =>
            {
                protocol!.Transport.Write("bye"u8);
                protocol.Transport.Close();
            },
        };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("first");
        Assert.Equal("bye"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await protocol.Lost.Within());
        Assert.Equal("MDL", protocol.Events);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P20")]
    public async Task Abort_WhileCallbacksOfTheConnectionAreQueued_NothingFollowsConnectionLost()
    {
        var protocol = new ProbeProtocol { OnMade = static transport => transport.PauseReading() };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("held");
        await _test.IterationsAsync();
        await _test.RunAsync(() =>
        {
            pair.Transport.ResumeReading();
            pair.Transport.Write("x"u8);
            pair.Transport.WriteEof();
            pair.Transport.Abort();
            pair.Transport.Close();
            pair.Transport.ResumeReading();
        });
        Assert.Null(await protocol.Lost.Within());
        await _test.IterationsAsync(5);
        Assert.Equal("ML", protocol.Events);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "P20")]
    public async Task Close_OfAnotherConnectionInACallback_BothEndWell()
    {
        var made = new List<ProbeProtocol>();
        Server server = Serve(() =>
        {
            ProbeProtocol? protocol = null;
            protocol = new ProbeProtocol
            {
                OnData = _ => made.ForEach(other =>
                {
                    other.Transport.Write("all"u8);
                    other.Transport.Close();
                }),
            };
            made.Add(protocol);
            return protocol;
        });
        RawPeer one = await ConnectAsync(server);
        RawPeer two = await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 2, "two connections");
        // Both are ready in the same poll.
        IDisposable held = await _test.HoldAsync();
        await one.SendAsync("1");
        await two.SendAsync("2");
        held.Dispose();
        Assert.Equal("all"u8.ToArray(), await one.ReceiveToEndAsync());
        Assert.Equal("all"u8.ToArray(), await two.ReceiveToEndAsync());
        await Task.WhenAll(made.Select(static protocol => protocol.Lost)).Within();
        // The one that came second was closed with its byte unread.
        Assert.Single(made, static protocol => protocol.Events == "MDL");
        Assert.Single(made, static protocol => protocol.Events == "ML");
        made.ForEach(protocol => AssertSound(protocol));
    }

    [Fact, Trait("Conformance", "P23")]
    public async Task ConnectionLost_Addresses_AreStillKnown()
    {
        Assert.SkipUnless(Transport.HasAddresses, $"{Transport.Name}: has no addresses");
        EndPoint? local = null;
        EndPoint? remote = null;
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnLost = _ =>
            {
                local = protocol!.Transport.LocalEndPoint;
                remote = protocol.Transport.RemoteEndPoint;
            },
        };
        Pair pair = await PairAsync(protocol);
        pair.Peer.HalfClose();
        await protocol.Lost.Within();
        Assert.Equal(pair.Server.Port, Assert.IsType<IPEndPoint>(local).Port);
        Assert.NotNull(remote);
    }

    [Fact, Trait("Conformance", "P24")]
    public async Task Callbacks_ManyConnections_AllOnTheLoopsThreadAndNeverInterleaved()
    {
        int inside = 0;
        int interleaved = 0;
        var threads = new System.Collections.Concurrent.ConcurrentDictionary<int, bool>();
        Server server = Serve(() => new ProbeProtocol
        {
            OnData = data =>
            {
                if (Interlocked.Increment(ref inside) != 1)
                {
                    interleaved++;
                }
                threads[Environment.CurrentManagedThreadId] = EventLoop.Current == _test.Loop;
                Interlocked.Decrement(ref inside);
            },
        });
        RawPeer[] peers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ConnectAsync(server)));
        for (int round = 0; round < 50; round++)
        {
            await Task.WhenAll(peers.Select(static peer => peer.SendAsync("x")));
        }
        await Deadlines.UntilAsync(() => !threads.IsEmpty, "data");
        await _test.IterationsAsync(5);
        Assert.Equal(0, interleaved);
        Assert.True(Assert.Single(threads).Value);
    }

    [Fact, Trait("Conformance", "P24")]
    public async Task Transport_UsedOnAnotherThread_Throws()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        ITransport transport = pair.Transport;
        Assert.All(
            new Action[]
            {
                () => transport.Write("x"u8), transport.Close, transport.Abort, transport.WriteEof, transport.PauseReading, transport.ResumeReading,
                () => transport.SetWriteBufferLimits(1), () => transport.Protocol = new ProbeProtocol(), () => transport.Output.GetSpan(1),
            },
            static call => Assert.Contains("CallSoonThreadSafe", Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal));
        await pair.Peer.SendAsync("alive");
        await pair.Protocol.ReceivedAsync(5);
    }

    [Theory, Trait("Conformance", "P7")]
    [InlineData("M")]
    [InlineData("D")]
    [InlineData("E")]
    public async Task Callback_ThrowsProtocolViolation_TheReplyArrivesThenTheEndWithoutAReport(string where)
    {
        var violation = new ProtocolViolationException("no");
        ProbeProtocol? protocol = null;
        void Refuse(string callback, ITransport transport)
        {
            if (callback == where)
            {
                transport.Write("refused"u8);
                throw violation;
            }
        }
        protocol = new ProbeProtocol
        {
            OnMade = transport => Refuse("M", transport),
            OnData = _ => Refuse("D", protocol!.Transport),
            OnEof = () =>
            {
                Refuse("E", protocol!.Transport);
                return false;
            },
        };
        Server server = Serve(() => protocol);
        RawPeer peer = await ConnectAsync(server);
        try
        {
            await peer.SendAsync(Pattern(50_000));
        }
        catch (IOException) when (where == "M")
        {
            // Refused and closed before the peer had sent anything: a unix socket says so to the sender at once, TCP later.
        }
        catch (System.Net.Sockets.SocketException) when (where == "M")
        {
        }
        if (where == "E")
        {
            peer.HalfClose();
        }
        Assert.Equal("refused"u8.ToArray(), await peer.ReceiveToEndAsync());
        peer.Dispose();
        Assert.Same(violation, await protocol.Lost.Within());
        AssertSound(protocol);
    }
}
