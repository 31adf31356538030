using System.Buffers;

namespace ProtoServer.Tests;

// W: writing and flow control.
public abstract partial class TransportConformance
{
    private const int BoundedBytes = 64 * 1024 * 1024;

    /// <summary>Writes, on the loop, until <c>PauseWriting</c> comes; returns how many bytes that took.</summary>
    private async Task<int> WriteUntilPausedAsync(Pair pair, int chunk = 10_000)
    {
        return await _test.RunAsync(() =>
        {
            byte[] bytes = new byte[chunk];
            int written = 0;
            while (pair.Protocol.Events[^1] != 'P')
            {
                pair.Transport.Write(bytes);
                written += chunk;
                Assert.True(written < BoundedBytes, "64 MiB were written to a peer that does not read, without PauseWriting");
            }
            return written;
        });
    }

    [Fact, Trait("Conformance", "W1")]
    public async Task Write_SeveralInOneIteration_ArriveInOrderAfterIt()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                pair.Transport.Write([(byte)('0' + i)]);
            }
        });
        Assert.Equal("0123456789", await pair.Peer.ReceiveTextAsync(10));
    }

    [Fact, Trait("Conformance", "W2")]
    public async Task Write_MoreThanThePeersBuffers_TheRestFollowsInOrderAndTheQueueEmpties()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        byte[] sent = Pattern(5_000_000);
        await _test.RunAsync(() => pair.Transport.Write(sent));
        if (Transport.CountsUnsentBytes)
        {
            Assert.True(await _test.RunAsync(() => pair.Transport.WriteBufferSize) > 0);
        }
        AssertBytes(sent, await pair.Peer.ReceiveExactlyAsync(sent.Length));
        await Deadlines.UntilAsync(() => _test.RunAsync(() => pair.Transport.WriteBufferSize).Result == 0, "an empty queue");
        // What has left may be counted before the flush that tells of it has come back to the loop.
        await Deadlines.UntilAsync(() => pair.Protocol.Events == "MPR", "one pause and one resume");
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W3")]
    public async Task Write_EmptyOrInEveryForm_OnlyTheBytesArrive()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(ReadOnlySpan<byte>.Empty);
            pair.Transport.Write(ReadOnlyMemory<byte>.Empty);
            pair.Transport.Write(ReadOnlySequence<byte>.Empty);
            Assert.Equal(0, pair.Transport.WriteBufferSize);
            pair.Transport.Write("span "u8);
            pair.Transport.Write(new ReadOnlyMemory<byte>("memory "u8.ToArray()));
            pair.Transport.Write(TwoSegments("seq"u8.ToArray(), "uence "u8.ToArray()));
            "output"u8.CopyTo(pair.Transport.Output.GetSpan(6));
            pair.Transport.Output.Advance(6);
        });
        Assert.Equal("span memory sequence output", await pair.Peer.ReceiveTextAsync(27));
    }

    [Fact, Trait("Conformance", "W4")]
    public async Task Write_CallersBufferReusedAtOnce_TheBytesWrittenArrive()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        byte[] expected = Pattern(2_000_000);
        await _test.RunAsync(() =>
        {
            byte[] mine = (byte[])expected.Clone();
            pair.Transport.Write(mine);
            mine.AsSpan().Clear();
        });
        AssertBytes(expected, await pair.Peer.ReceiveExactlyAsync(expected.Length));
    }

    [Fact, Trait("Conformance", "W5")]
    public async Task Write_SequenceOf3000SegmentsSomeEmpty_ArrivesAsOneWrite()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        byte[] bytes = Pattern(300_000);
        await _test.RunAsync(() => pair.Transport.Write(Segments(bytes, 100, emptyEvery: 7)));
        AssertBytes(bytes, await pair.Peer.ReceiveExactlyAsync(bytes.Length));
    }

    [Fact, Trait("Conformance", "W5")]
    public async Task Write_5000SmallOnesInOneIteration_ArriveInOrder()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        byte[] bytes = Pattern(500_000);
        await _test.RunAsync(() =>
        {
            for (int i = 0; i < 5000; i++)
            {
                pair.Transport.Write(bytes.AsSpan(i * 100, 100));
            }
        });
        AssertBytes(bytes, await pair.Peer.ReceiveExactlyAsync(bytes.Length));
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W5")]
    public async Task Write_SequenceThatFillsTheQueue_PausesInsideTheCallAndArrivesWhole()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        byte[] bytes = Pattern(8_000_000);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(Segments(bytes, 10_000, emptyEvery: 7));
            Assert.Equal("MP", pair.Protocol.Events);
        });
        AssertBytes(bytes, await pair.Peer.ReceiveExactlyAsync(bytes.Length));
        await Deadlines.UntilAsync(() => pair.Protocol.Events == "MPR", "ResumeWriting");
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W5")]
    public async Task Write_SequenceAfterTheEnd_IsDropped()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        byte[] bytes = Pattern(100_000);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write("all"u8);
            pair.Transport.Close();
            pair.Transport.Write(Segments(bytes, 1000, emptyEvery: 7));
        });
        Assert.Equal("all"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await pair.Protocol.Lost.Within());
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(Segments(bytes, 1000, emptyEvery: 7));
            Assert.Equal(0, pair.Transport.WriteBufferSize);
        });
        Assert.Equal("ML", pair.Protocol.Events);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W6"), Trait("Conformance", "W7")]
    public async Task Write_AfterClose_IsDroppedAlsoWhileFlushing()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        byte[] before = Pattern(3_000_000);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(before);
            pair.Transport.Close();
            for (int i = 0; i < 20; i++)
            {
                pair.Transport.Write("dropped"u8);
                "dropped"u8.CopyTo(pair.Transport.Output.GetSpan(7));
                pair.Transport.Output.Advance(7);
            }
        });
        await _test.IterationsAsync();
        await _test.RunAsync(() => pair.Transport.Write("dropped"u8));
        AssertBytes(before, await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await pair.Protocol.Lost.Within());
        await _test.RunAsync(() => pair.Transport.Write("dropped"u8));
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W8")]
    public async Task Write_AfterWriteEof_Throws()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() =>
        {
            pair.Transport.WriteEof();
            pair.Transport.WriteEof();
            Assert.Contains("WriteEof", Assert.Throws<InvalidOperationException>(() => pair.Transport.Write("x"u8)).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => pair.Transport.Write(TwoSegments([1], [2])));
            Assert.Throws<InvalidOperationException>(() => pair.Transport.Output.GetSpan(1));
        });
        Assert.Empty(await pair.Peer.ReceiveToEndAsync());
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W8")]
    public async Task WriteEof_AfterClose_DoesNothing()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() =>
        {
            pair.Transport.Write("all"u8);
            pair.Transport.Close();
            pair.Transport.WriteEof();
        });
        Assert.Equal("all"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await pair.Protocol.Lost.Within());
        await _test.RunAsync(pair.Transport.WriteEof);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W9")]
    public async Task WriteEof_WithAQueue_FinFollowsItAndThePeerMayGoOnSending()
    {
        Assert.SkipUnless(Transport.HasHalfClose, $"{Transport.Name}: cannot end one direction only");
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        Assert.True(pair.Transport.CanWriteEof);
        byte[] sent = Pattern(3_000_000);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(sent);
            pair.Transport.WriteEof();
        });
        AssertBytes(sent, await pair.Peer.ReceiveToEndAsync());
        await pair.Peer.SendAsync("still talking");
        await pair.Protocol.ReceivedAsync(13);
        Assert.False(pair.Protocol.Lost.IsCompleted);
        pair.Peer.HalfClose();
        Assert.Null(await pair.Protocol.Lost.Within());
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W10")]
    public async Task Close_WithAQueue_SendsItAllAndReadsNoMore()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        byte[] sent = Pattern(3_000_000);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(sent);
            pair.Transport.Close();
            Assert.True(pair.Transport.IsClosing);
            Assert.False(pair.Transport.IsReading);
        });
        await pair.Peer.SendAsync("not read");
        AssertBytes(sent, await pair.Peer.ReceiveToEndAsync());
        Assert.Null(await pair.Protocol.Lost.Within());
        Assert.DoesNotContain("D", pair.Protocol.Events, StringComparison.Ordinal);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W10")]
    public async Task Close_WhileThePeerIsStillSending_TheAnswerArrivesWithoutAReset()
    {
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnData = _ =>
            {
                protocol!.Transport.Write("enough"u8);
                protocol.Transport.Close();
            },
        };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync(Pattern(500_000));
        Assert.Equal("enough"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        pair.Peer.Dispose();
        Assert.Null(await protocol.Lost.Within());
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "W11")]
    public async Task Close_Twice_IsOneEndAndAbortAfterItDropsTheRest()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(new byte[8_000_000]);
            pair.Transport.Close();
            pair.Transport.Close();
        });
        await _test.IterationsAsync();
        Assert.False(pair.Protocol.Lost.IsCompleted);
        await _test.RunAsync(() =>
        {
            pair.Transport.Abort();
            pair.Transport.Abort();
        });
        Assert.Null(await pair.Protocol.Lost.Within());
        AssertSound(pair.Protocol);
        await AssertClosesAsync(pair.Server);
    }

    [Fact, Trait("Conformance", "W12")]
    public async Task Abort_WithAQueue_DropsItAndLosesWithNull()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(new byte[8_000_000]);
            pair.Transport.Abort();
            Assert.True(pair.Transport.IsClosing);
            Assert.False(pair.Protocol.Lost.IsCompleted, "never inside the call");
        });
        Assert.Null(await pair.Protocol.Lost.Within());
        Assert.Equal(0, await _test.RunAsync(() => pair.Transport.WriteBufferSize));
        if (Transport.HasReset)
        {
            Assert.True(await pair.Peer.EndAsync(), "an abort resets");
        }
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W13")]
    public async Task PauseWriting_QueueAboveHigh_ComesInsideTheWriteAndAlternatesWithResume()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        await _test.RunAsync(() => pair.Transport.SetWriteBufferLimits(64, 32));
        for (int round = 0; round < 5; round++)
        {
            int written = await WriteUntilPausedAsync(pair);
            await _test.RunAsync(() => pair.Transport.Write(new byte[100]));
            await pair.Peer.ReceiveExactlyAsync(written + 100);
            await Deadlines.UntilAsync(() => pair.Protocol.Events.EndsWith('R'), "ResumeWriting");
        }
        Assert.Equal("MPRPRPRPRPR", pair.Protocol.Events);
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W13")]
    public async Task PauseWriting_QueueAtHighExactly_DoesNotCome()
    {
        Assert.SkipUnless(Transport.CountsUnsentBytes, $"{Transport.Name}: does not count unsent bytes");
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        await WriteUntilPausedAsync(pair);
        await _test.IterationsAsync();
        await _test.RunAsync(() =>
        {
            // Nothing is taken while the peer does not read: what is queued stays as it is.
            int queued = (int)pair.Transport.WriteBufferSize;
            pair.Transport.SetWriteBufferLimits(queued * 2, queued);
            Assert.Equal("MPR", pair.Protocol.Events);
            pair.Transport.Write(new byte[queued]);
            Assert.Equal(queued * 2, pair.Transport.WriteBufferSize);
            Assert.Equal("MPR", pair.Protocol.Events);
            pair.Transport.Write([1]);
            Assert.Equal("MPRP", pair.Protocol.Events);
        });
        AssertSound(pair.Protocol);
    }

    [Theory, Trait("Conformance", "W14")]
    [InlineData(-1, null)]
    [InlineData(null, -1)]
    [InlineData(10, 11)]
    [InlineData(0, 1)]
    public async Task SetWriteBufferLimits_NotZeroLeLowLeHigh_Throws(int? high, int? low)
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() => Assert.Throws<ArgumentOutOfRangeException>(() => pair.Transport.SetWriteBufferLimits(high, low)));
        AssertSound(pair.Protocol);
    }

    [Theory, Trait("Conformance", "W14")]
    [InlineData(null, null, 65536, 16384)]
    [InlineData(100, null, 100, 25)]
    [InlineData(null, 100, 400, 100)]
    [InlineData(0, null, 0, 0)]
    [InlineData(100, 100, 100, 100)]
    [InlineData(null, 700_000_000, int.MaxValue, 700_000_000)]
    public async Task SetWriteBufferLimits_OneOrNoneGiven_TheOtherFollows(int? high, int? low, int effectiveHigh, int effectiveLow)
    {
        Assert.SkipUnless(Transport.CountsUnsentBytes, $"{Transport.Name}: does not count unsent bytes");
        Pair pair = await PairAsync(new ProbeProtocol(), new ServerOptions { WriteLimitBytes = int.MaxValue, WriteHighWaterBytes = 1000, WriteLowWaterBytes = 1000 }, bufferBytes: 4096);
        await WriteUntilPausedAsync(pair);
        await _test.RunAsync(() =>
        {
            pair.Transport.SetWriteBufferLimits(high, low);
            long queued = pair.Transport.WriteBufferSize;
            bool paused = pair.Protocol.Events[^1] == 'P';
            Assert.Equal(queued > effectiveLow, paused);
            if (effectiveHigh < 1_000_000)
            {
                if (!paused)
                {
                    pair.Transport.Write(new byte[effectiveHigh - queued]);
                    Assert.NotEqual('P', pair.Protocol.Events[^1]);
                }
                pair.Transport.Write(new byte[2]);
                if (pair.Transport.WriteBufferSize > effectiveHigh)
                {
                    Assert.Equal('P', pair.Protocol.Events[^1]);
                }
            }
        });
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W14")]
    public async Task SetWriteBufferLimits_HighBelowTheQueue_PausesAtOnce()
    {
        Assert.SkipUnless(Transport.CountsUnsentBytes, $"{Transport.Name}: does not count unsent bytes");
        Pair pair = await PairAsync(new ProbeProtocol(), bufferBytes: 4096);
        await WriteUntilPausedAsync(pair);
        await _test.RunAsync(() =>
        {
            pair.Transport.SetWriteBufferLimits(1_000_000, 1_000_000);
            Assert.Equal("MPR", pair.Protocol.Events);
            pair.Transport.SetWriteBufferLimits(10, 5);
            Assert.Equal("MPRP", pair.Protocol.Events);
        });
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W15")]
    public async Task SetWriteBufferLimits_HighZero_PausesOnlyWhenTheKernelDoesNotTakeAll()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() =>
        {
            pair.Transport.SetWriteBufferLimits(0);
            pair.Transport.Write("small"u8);
        });
        Assert.Equal("small", await pair.Peer.ReceiveTextAsync(5));
        if (Transport.CountsUnsentBytes)
        {
            Assert.Equal("M", pair.Protocol.Events);
        }
        int written = await WriteUntilPausedAsync(pair, 100_000);
        await pair.Peer.ReceiveExactlyAsync(written);
        await Deadlines.UntilAsync(() => pair.Protocol.Events.EndsWith("PR", StringComparison.Ordinal), "ResumeWriting");
        AssertSound(pair.Protocol);
    }

    [Fact, Trait("Conformance", "W16")]
    public async Task ResumeWriting_WritesAgain_NeitherRecursesNorLoses()
    {
        const int total = 6_000_000;
        byte[] sent = Pattern(total);
        int written = 0;
        int depth = 0;
        int deepest = 0;
        ProbeProtocol? protocol = null;
        protocol = new ProbeProtocol
        {
            OnResume = () =>
            {
                deepest = Math.Max(deepest, ++depth);
                while (written < total && protocol!.Events[^1] != 'P')
                {
                    int count = Math.Min(50_000, total - written);
                    written += count;
                    protocol.Transport.Write(sent.AsSpan(written - count, count));
                }
                depth--;
            },
        };
        Pair pair = await PairAsync(protocol, bufferBytes: 16 * 1024);
        int first = await WriteUntilPausedAsync(pair, 1000);
        byte[] got = await pair.Peer.ReceiveExactlyAsync(first + total, TimeSpan.FromSeconds(30));
        AssertBytes(sent, got.AsMemory(first));
        Assert.Equal(1, deepest);
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "W18")]
    public async Task WriteBufferSize_WrittenInThisIteration_CountsAtOnce()
    {
        Pair pair = await PairAsync(new ProbeProtocol());
        await _test.RunAsync(() =>
        {
            pair.Transport.Write("12345"u8);
            pair.Transport.Write("678"u8);
            Assert.Equal(8, pair.Transport.WriteBufferSize);
            pair.Transport.Output.GetSpan(2);
            Assert.Equal(8, pair.Transport.WriteBufferSize);
            pair.Transport.Output.Advance(2);
            Assert.Equal(10, pair.Transport.WriteBufferSize);
        });
        await pair.Peer.ReceiveExactlyAsync(10);
        await Deadlines.UntilAsync(() => _test.RunAsync(() => pair.Transport.WriteBufferSize).Result == 0, "an empty queue");
    }

    [Fact, Trait("Conformance", "W19"), Trait("Conformance", "W21")]
    public async Task Write_AfterThePeerReset_ReturnsAndTheLossComesLaterOnce()
    {
        SkipUnlessReset();
        var protocol = new ProbeProtocol { OnMade = static transport => transport.PauseReading() };
        Pair pair = await PairAsync(protocol);
        await pair.Peer.SendAsync("held");
        await _test.IterationsAsync();
        await _test.RunAsync(() =>
        {
            // The loop is here, so it cannot have noticed; loopback delivers the reset inside the call.
            pair.Peer.Reset();
            pair.Transport.SetWriteBufferLimits(0);
            for (int i = 0; i < 10; i++)
            {
                pair.Transport.Write(new byte[100_000]);
                Assert.Equal("M", protocol.Events.Replace("P", "", StringComparison.Ordinal).Replace("R", "", StringComparison.Ordinal));
            }
        });
        Assert.IsAssignableFrom<IOException>(await protocol.Lost.Within());
        await _test.RunAsync(() =>
        {
            Assert.Equal(0, pair.Transport.WriteBufferSize);
            pair.Transport.Write("ignored"u8);
        });
        await _test.IterationsAsync();
        AssertSound(protocol);
    }

    [Fact, Trait("Conformance", "W22")]
    public async Task Close_PeerThatDoesNotRead_IsAbortedAtTheCloseTimeout()
    {
        Pair pair = await PairAsync(new ProbeProtocol(), new ServerOptions { CloseTimeout = TimeSpan.FromMilliseconds(50) }, bufferBytes: 4096);
        await _test.RunAsync(() =>
        {
            pair.Transport.Write(new byte[16_000_000]);
            pair.Transport.Close();
        });
        Assert.IsType<TimeoutException>(await pair.Protocol.Lost.Within());
        AssertSound(pair.Protocol);
        await AssertClosesAsync(pair.Server);
    }

    [Fact, Trait("Conformance", "W23")]
    public async Task Shutdown_PeersThatDoNotRead_AreAbortedAtItsDeadline()
    {
        Server server = Serve(() => new ProbeProtocol
        {
            OnMade = static transport => transport.Write(new byte[16_000_000]),
        });
        for (int i = 0; i < 5; i++)
        {
            await ConnectAsync(server, 4096);
        }
        await Deadlines.UntilAsync(() => server.Connections == 5, "five connections");
        DrainReport report = await server.ShutdownAsync(TimeSpan.FromMilliseconds(100)).Within();
        Assert.Equal(5, report.Aborted);
        Assert.False(report.IsClean);
        Assert.Equal(0, server.Connections);
    }

    [Fact, Trait("Conformance", "W22")]
    public async Task Write_MoreWhileTheHardLimitIsExceeded_CutsThePeerOff()
    {
        var options = new ServerOptions { WriteLimitBytes = 200_000 };
        Pair pair = await PairAsync(new ProbeProtocol(), options, bufferBytes: 4096);
        int writes = await _test.RunAsync(() =>
        {
            int count = 0;
            while (!pair.Transport.IsClosing)
            {
                pair.Transport.Write(new byte[100_000]);
                Assert.True(++count < 1000, "100 MB were accepted for a peer that does not read");
            }
            return count;
        });
        Assert.IsType<IOException>(await pair.Protocol.Lost.Within());
        Assert.True(writes > 2);
        AssertSound(pair.Protocol);
        await AssertClosesAsync(pair.Server);
    }

    [Fact, Trait("Conformance", "W2")]
    public async Task Output_MemoryHeldAcrossIterations_BytesAdvancedLaterArriveInOrder()
    {
        Assert.SkipUnless(Transport.KeepsMemoryAcrossFlushes, $"{Transport.Name}: its pipe takes memory back at a flush");
        Pair pair = await PairAsync(new ProbeProtocol());
        Memory<byte> held = default;
        await _test.RunAsync(() =>
        {
            pair.Transport.Write("first "u8);
            held = pair.Transport.Output.GetMemory(6);
        });
        await _test.IterationsAsync();
        await _test.RunAsync(() =>
        {
            "second"u8.CopyTo(held.Span);
            pair.Transport.Output.Advance(6);
        });
        Assert.Equal("first second", await pair.Peer.ReceiveTextAsync(12));
    }

    private static ReadOnlySequence<byte> TwoSegments(byte[] first, byte[] second)
    {
        var head = new Segment(first, 0);
        Segment tail = head.Append(second);
        return new ReadOnlySequence<byte>(head, 0, tail, second.Length);
    }

    private static ReadOnlySequence<byte> Segments(byte[] bytes, int size, int emptyEvery)
    {
        var head = new Segment(default, 0);
        Segment tail = head;
        int count = 0;
        for (int at = 0; at < bytes.Length; at += size)
        {
            tail = tail.Append(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
            if (++count % emptyEvery == 0)
            {
                tail = tail.Append(default);
            }
        }
        return new ReadOnlySequence<byte>(head, 0, tail, tail.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
