using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>The contract of <see cref="PipeReader"/> on a socket, read from the documentation of System.IO.Pipelines and the behaviour of <see cref="Pipe"/>.</summary>
public sealed class EpollReaderTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    private static string Text(ReadOnlySequence<byte> bytes) => Encoding.Latin1.GetString(bytes);

    private async Task<EpollPair> PairAsync(EpollTransportOptions? options = null) => await EpollPair.ConnectAsync(_test, options);

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_ConsumedPartlyAndExaminedPartly_TheRestComesAtOnce()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abcdef");
        await _test.RunAsync(async () =>
        {
            ReadResult result = await pair.Input.ReadAsync();
            Assert.Equal("abcdef", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.GetPosition(2), result.Buffer.GetPosition(4));
            ValueTask<ReadResult> second = pair.Input.ReadAsync();
            Assert.True(second.IsCompleted);
            result = await second;
            Assert.Equal("cdef", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_EverythingExaminedNothingConsumed_WaitsForMoreAndGivesAll()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abc");
        await _test.RunAsync(async () =>
        {
            ReadResult result = await pair.Input.ReadAsync();
            pair.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            Assert.False(pair.Input.TryRead(out _));
            Task<ReadResult> second = pair.Input.ReadAsync().AsTask();
            Assert.False(second.IsCompleted);
            await pair.Peer.SendAsync("def");
            result = await second.Within();
            Assert.Equal("abcdef", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_HeldAcrossIterationsWhileOthersReceive_KeepsItsBytes()
    {
        using EpollPair pair = await PairAsync();
        SocketPeer otherPeer = await SocketPeer.ConnectAsync((System.Net.IPEndPoint)pair.Listener.EndPoint);
        ConnectionContext other = (await _test.RunAsync(async () => await pair.Listener.AcceptAsync()))!;
        await pair.Peer.SendAsync("mine");
        await _test.RunAsync(async () =>
        {
            ReadResult mine = await pair.Input.ReadAsync();
            await otherPeer.SendAsync("theirs, and longer");
            ReadResult theirs = await other.Transport.Input.ReadAsync();
            Assert.Equal("theirs, and longer", Text(theirs.Buffer));
            Assert.Equal("mine", Text(mine.Buffer));
            pair.Input.AdvanceTo(mine.Buffer.GetPosition(1));
            other.Transport.Input.AdvanceTo(theirs.Buffer.End);
            mine = await pair.Input.ReadAsync();
            Assert.Equal("ine", Text(mine.Buffer));
            pair.Input.AdvanceTo(mine.Buffer.End);
        });
        otherPeer.Dispose();
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task AdvanceTo_WithoutARead_Throws()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abc");
        await _test.RunAsync(async () =>
        {
            Assert.Throws<InvalidOperationException>(() => pair.Input.AdvanceTo(default));
            ReadResult result = await pair.Input.ReadAsync();
            pair.Input.AdvanceTo(result.Buffer.End);
            Assert.Throws<InvalidOperationException>(() => pair.Input.AdvanceTo(result.Buffer.End));
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task AdvanceTo_ExaminedBeforeConsumed_ThrowsAndTheReadGoesOn()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abcdef");
        await _test.RunAsync(async () =>
        {
            ReadResult result = await pair.Input.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            Assert.Throws<InvalidOperationException>(() => pair.Input.AdvanceTo(buffer.GetPosition(3), buffer.GetPosition(2)));
            Assert.Throws<InvalidOperationException>(() => pair.Input.AdvanceTo(buffer.End, buffer.Start));
            Assert.Equal("abcdef", Text(buffer));
            pair.Input.AdvanceTo(buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task AdvanceTo_PositionOfAnEarlierRead_ThrowsAndNothingIsLost()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abcdef");
        await _test.RunAsync(async () =>
        {
            ReadResult first = await pair.Input.ReadAsync();
            SequencePosition stale = first.Buffer.GetPosition(1);
            pair.Input.AdvanceTo(first.Buffer.GetPosition(4));
            ReadResult second = await pair.Input.ReadAsync();
            Assert.Throws<InvalidOperationException>(() => pair.Input.AdvanceTo(new ReadOnlySequence<byte>(new byte[3]).Start));
            Assert.Throws<InvalidOperationException>(() => pair.Input.AdvanceTo(stale));
            Assert.Equal("ef", Text(second.Buffer));
            pair.Input.AdvanceTo(second.Buffer.Start);
            Assert.True(pair.Input.TryRead(out second));
            Assert.Equal("ef", Text(second.Buffer));
            pair.Input.AdvanceTo(second.Buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T4")]
    public async Task Read_WhileOneIsPendingOrNotAdvanced_ThrowsAndTheConnectionLives()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            Task<ReadResult> pending = pair.Input.ReadAsync().AsTask();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Input.ReadAsync());
            Assert.Throws<InvalidOperationException>(() => pair.Input.TryRead(out _));
            await pair.Peer.SendAsync("abc");
            ReadResult result = await pending.Within();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Input.ReadAsync());
            Assert.Equal("abc", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task CancelPendingRead_Pending_CompletesItAsCanceledWithWhatIsThere()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abc");
        await _test.RunAsync(async () =>
        {
            ReadResult result = await pair.Input.ReadAsync();
            pair.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            Task<ReadResult> pending = pair.Input.ReadAsync().AsTask();
            pair.Input.CancelPendingRead();
            result = await pending.Within();
            Assert.True(result.IsCanceled);
            Assert.False(result.IsCompleted);
            Assert.Equal("abc", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
            Task<ReadResult> next = pair.Input.ReadAsync().AsTask();
            Assert.False(next.IsCompleted);
            await pair.Peer.SendAsync("def");
            result = await next.Within();
            Assert.False(result.IsCanceled);
            Assert.Equal("def", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task CancelPendingRead_NonePending_CancelsTheNextOneOnly()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            pair.Input.CancelPendingRead();
            pair.Input.CancelPendingRead();
            ReadResult result = await pair.Input.ReadAsync().AsTask().Within();
            Assert.True(result.IsCanceled);
            pair.Input.AdvanceTo(result.Buffer.End);
            Task<ReadResult> next = pair.Input.ReadAsync().AsTask();
            Assert.False(next.IsCompleted);
            await pair.Peer.SendAsync("x");
            Assert.False((await next.Within()).IsCanceled);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_TokenCancelledWhilePending_ThrowsAndTheNextReadStillWaitsForNewBytes()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abc");
        await _test.RunAsync(async () =>
        {
            ReadResult result = await pair.Input.ReadAsync();
            pair.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            using var cancel = new CancellationTokenSource();
            Task<ReadResult> pending = pair.Input.ReadAsync(cancel.Token).AsTask();
            Assert.False(pending.IsCompleted);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.Within());
            Task<ReadResult> next = pair.Input.ReadAsync().AsTask();
            Assert.False(next.IsCompleted, "what was examined is not given again without new bytes");
            await pair.Peer.SendAsync("def");
            result = await next.Within();
            Assert.False(result.IsCanceled);
            Assert.Equal("abcdef", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pair.Input.ReadAsync(cancel.Token));
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_TokenCancelledAfterItCompleted_DoesNotTouchTheNextRead()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            using var cancel = new CancellationTokenSource();
            Task<ReadResult> first = pair.Input.ReadAsync(cancel.Token).AsTask();
            await pair.Peer.SendAsync("abc");
            ReadResult result = await first.Within();
            pair.Input.AdvanceTo(result.Buffer.End);
            await cancel.CancelAsync();
            Task<ReadResult> next = pair.Input.ReadAsync().AsTask();
            await Task.Yield();
            await Task.Yield();
            Assert.False(next.IsCompleted);
            await pair.Peer.SendAsync("def");
            Assert.Equal("def", Text((await next.Within()).Buffer));
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task ReadAtLeast_MoreThanOneReceive_WaitsUntilItIsThere()
    {
        using EpollPair pair = await PairAsync();
        byte[] sent = new byte[200_000];
        new Random(1).NextBytes(sent);
        await _test.RunAsync(async () =>
        {
            Task<ReadResult> reading = pair.Input.ReadAtLeastAsync(sent.Length).AsTask();
            await pair.Peer.SendAsync(sent.AsMemory(0, 10));
            await Task.Yield();
            Assert.False(reading.IsCompleted);
            await pair.Peer.SendAsync(sent.AsMemory(10));
            ReadResult result = await reading.Within();
            Assert.True(result.Buffer.Length >= sent.Length);
            Assert.True(result.Buffer.Slice(0, sent.Length).ToArray().AsSpan().SequenceEqual(sent));
            pair.Input.AdvanceTo(result.Buffer.End);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task ReadAtLeast_EndBeforeIt_GivesWhatThereIsAsCompleted()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync("abc");
        pair.Peer.HalfClose();
        await _test.RunAsync(async () =>
        {
            ReadResult result = await pair.Input.ReadAtLeastAsync(10);
            Assert.True(result.IsCompleted);
            Assert.Equal("abc", Text(result.Buffer));
            pair.Input.AdvanceTo(result.Buffer.End);
            result = await pair.Input.ReadAsync();
            Assert.True(result.IsCompleted);
            Assert.True(result.Buffer.IsEmpty);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task CopyTo_UntilTheEnd_CopiesEverythingOnTheLoop()
    {
        using EpollPair pair = await PairAsync();
        byte[] sent = new byte[500_000];
        new Random(2).NextBytes(sent);
        Task sending = Task.Run(async () =>
        {
            await pair.Peer.SendAsync(sent);
            pair.Peer.HalfClose();
        });
        using var copy = new MemoryStream();
        await _test.RunAsync(async () =>
        {
            await pair.Input.CopyToAsync(copy);
            Assert.Same(_test.Loop, EventLoop.Current);
        });
        await sending.Within();
        Assert.Equal(sent, copy.ToArray());
    }

    [Fact, Trait("Conformance", "T2")]
    public async Task Read_NothingEverConsumed_IsStoppedByTheInputLimit()
    {
        using EpollPair pair = await PairAsync(new EpollTransportOptions { InputLimitBytes = 100_000 });
        Task sending = pair.Peer.SendAsync(new byte[4_000_000]);
        await _test.RunAsync(async () =>
        {
            long most = 0;
            await Assert.ThrowsAsync<ProtocolViolationException>(async () =>
            {
                while (true)
                {
                    ReadResult result = await pair.Input.ReadAsync().AsTask().Within();
                    most = result.Buffer.Length;
                    pair.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                }
            });
            Assert.InRange(most, 100_000, 100_000 + (64 * 1024));
        });
        pair.Peer.Reset();
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default).Within();
    }

    [Fact, Trait("Conformance", "T5")]
    public async Task Read_PeerResets_ThrowsNowAndEachTimeAfterwards()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            Task<ReadResult> pending = pair.Input.ReadAsync().AsTask();
            pair.Peer.Reset();
            await Assert.ThrowsAsync<ConnectionResetException>(() => pending.Within());
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await pair.Input.ReadAsync());
            FlushResult flush = await pair.Output.WriteAsync("x"u8.ToArray());
            Assert.True(flush.IsCompleted);
        });
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Complete_ThenRead_Throws()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            pair.Input.Complete();
            pair.Input.Complete();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Input.ReadAsync());
            Assert.Throws<InvalidOperationException>(() => pair.Input.TryRead(out _));
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_FromAnotherThread_Throws()
    {
        using EpollPair pair = await PairAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Input.ReadAsync());
        Assert.Throws<InvalidOperationException>(() => pair.Input.CancelPendingRead());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Output.FlushAsync());
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_AwaitedOnce_ResumesInlineOnTheLoop()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                ValueTask<ReadResult> read = pair.Input.ReadAsync();
                await pair.Peer.SendAsync("x");
                ReadResult result = await read;
                Assert.Same(_test.Loop, EventLoop.Current);
                pair.Input.AdvanceTo(result.Buffer.End);
            }
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Read_ConsumedToASegmentsEnd_TheNextBufferBeginsWithBytes()
    {
        using EpollPair pair = await PairAsync();
        byte[] sent = new byte[20_000];
        new Random(3).NextBytes(sent);
        await _test.RunAsync(async () =>
        {
            await pair.Peer.SendAsync(sent.AsMemory(0, 100));
            ReadResult result = await pair.Input.ReadAsync();
            pair.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            await pair.Peer.SendAsync(sent.AsMemory(100));
            result = await pair.Input.ReadAtLeastAsync(sent.Length);
            Assert.False(result.Buffer.IsSingleSegment, "a small block and what did not fit into it");
            int first = result.Buffer.First.Length;
            pair.Input.AdvanceTo(new SequencePosition(result.Buffer.Start.GetObject(), result.Buffer.Start.GetInteger() + first));
            result = await pair.Input.ReadAsync();
            Assert.False(result.Buffer.First.IsEmpty);
            Assert.Equal(sent[first..], result.Buffer.ToArray());
            pair.Input.AdvanceTo(result.Buffer.End);
        });
    }
}
