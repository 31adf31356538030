using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>The contract of <see cref="PipeWriter"/> on a socket.</summary>
public sealed class EpollWriterTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    private async Task<EpollPair> PairAsync(int? bufferBytes = null, EpollTransportOptions? options = null) => await EpollPair.ConnectAsync(_test, options, bufferBytes);

    /// <summary>Writes and flushes until a flush waits; returns it, and how much was written.</summary>
    private static (Task<FlushResult> Flush, int Written) FlushUntilItWaits(PipeWriter output)
    {
        int written = 0;
        while (true)
        {
            output.Write(new byte[100_000]);
            written += 100_000;
            Task<FlushResult> flush = output.FlushAsync().AsTask();
            if (!flush.IsCompleted)
            {
                return (flush, written);
            }
            Assert.True(written < 100_000_000);
        }
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Flush_BelowTheMark_IsDoneAtOnceAndTheBytesLeaveAtTheIterationsEnd()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(() =>
        {
            pair.Output.Write("ab"u8);
            Assert.Equal(2, pair.Output.UnflushedBytes);
            Task<FlushResult> flush = pair.Output.FlushAsync().AsTask();
            Assert.True(flush.IsCompletedSuccessfully);
            Assert.False(flush.Result.IsCompleted);
            pair.Output.Write("c"u8);
            Assert.True(pair.Output.FlushAsync().AsTask().IsCompletedSuccessfully);
        });
        Assert.Equal("abc", await pair.Peer.ReceiveTextAsync(3));
    }

    [Fact, Trait("Conformance", "T6")]
    public async Task Flush_SeveralWaiting_AllCompleteAtTheLowMark()
    {
        using EpollPair pair = await PairAsync(4096);
        var (first, written) = await _test.RunAsync(() => FlushUntilItWaits(pair.Output));
        Task<FlushResult> second = await _test.RunAsync<Task<FlushResult>>(() => pair.Output.FlushAsync().AsTask());
        Task<FlushResult> third = await _test.RunAsync<Task<FlushResult>>(() => pair.Output.FlushAsync().AsTask());
        Assert.False(first.IsCompleted || second.IsCompleted || third.IsCompleted);
        await pair.Peer.ReceiveExactlyAsync(written);
        Assert.All(await Task.WhenAll(first, second, third).Within(), static result => Assert.False(result.IsCompleted || result.IsCanceled));
    }

    [Fact, Trait("Conformance", "T5")]
    public async Task Flush_PeerResetsWhileItWaits_CompletesAsCompleted()
    {
        using EpollPair pair = await PairAsync(4096);
        var (flush, _) = await _test.RunAsync(() => FlushUntilItWaits(pair.Output));
        pair.Peer.Reset();
        Assert.True((await flush.Within()).IsCompleted);
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T7")]
    public async Task Flush_AfterTheConnectionIsGone_IsCompletedWithoutAnException()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            pair.Connection.Abort(new ConnectionAbortedException());
            for (int i = 0; i < 3; i++)
            {
                pair.Output.Write(new byte[10_000]);
                Assert.True((await pair.Output.FlushAsync()).IsCompleted);
                Assert.Equal(0, pair.Output.UnflushedBytes);
            }
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task CancelPendingFlush_WaitingOrNot_CancelsThisOrTheNextOne()
    {
        using EpollPair pair = await PairAsync(4096);
        await _test.RunAsync(async () =>
        {
            pair.Output.CancelPendingFlush();
            Assert.True((await pair.Output.FlushAsync()).IsCanceled);
            Assert.False((await pair.Output.FlushAsync()).IsCanceled);
        });
        var (flush, written) = await _test.RunAsync(() => FlushUntilItWaits(pair.Output));
        await _test.RunAsync(pair.Output.CancelPendingFlush);
        Assert.True((await flush.Within()).IsCanceled);
        // Cancelled was the wait, not the bytes.
        await pair.Peer.ReceiveExactlyAsync(written);
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Flush_TokenCancelledWhileItWaits_Throws()
    {
        using EpollPair pair = await PairAsync(4096);
        using var cancel = new CancellationTokenSource();
        var (_, written) = await _test.RunAsync(() => FlushUntilItWaits(pair.Output));
        Task<FlushResult> second = await _test.RunAsync<Task<FlushResult>>(() => pair.Output.FlushAsync(cancel.Token).AsTask());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.Within());
        await pair.Peer.ReceiveExactlyAsync(written);
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Advance_Misused_Throws()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(() =>
        {
            Assert.Throws<InvalidOperationException>(() => pair.Output.Advance(1));
            int length = pair.Output.GetMemory(10).Length;
            Assert.True(length >= 10);
            Assert.Throws<ArgumentOutOfRangeException>(() => pair.Output.Advance(length + 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => pair.Output.Advance(-1));
            Assert.Throws<ArgumentOutOfRangeException>(() => pair.Output.GetSpan(-1));
            pair.Output.Advance(0);
            Assert.Equal(0, pair.Output.UnflushedBytes);
        });
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task GetMemory_HeldWhileTheRestIsSent_BytesAdvancedAfterwardsArriveInOrder()
    {
        using EpollPair pair = await PairAsync();
        byte[] expected = new byte[30_000];
        new Random(4).NextBytes(expected);
        await _test.RunAsync(async () =>
        {
            for (int at = 0; at < expected.Length; at += 300)
            {
                pair.Output.Write(expected.AsSpan(at, 100));
                Memory<byte> held = pair.Output.GetMemory(200);
                _ = pair.Output.FlushAsync().AsTask();
                // The flush of this iteration sends what was advanced before, and leaves the memory that is out.
                await Task.Yield();
                await Task.Yield();
                expected.AsSpan(at + 100, 200).CopyTo(held.Span);
                pair.Output.Advance(200);
            }
            await pair.Output.FlushAsync();
        });
        Assert.Equal(expected, await pair.Peer.ReceiveExactlyAsync(expected.Length));
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task GetSpan_EverLargerWithoutAdvance_CostsNeitherBytesNorAHang()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                pair.Output.GetSpan(70_000 + (i * 1000));
            }
            "arrives"u8.CopyTo(pair.Output.GetSpan(400_000));
            pair.Output.Advance(7);
            _ = pair.Output.FlushAsync().AsTask();
        });
        Assert.Equal("arrives", await pair.Peer.ReceiveTextAsync(7));
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Complete_WithBytesQueued_SendsThemThenFin()
    {
        using EpollPair pair = await PairAsync(4096);
        byte[] sent = new byte[1_000_000];
        new Random(5).NextBytes(sent);
        await _test.RunAsync(() =>
        {
            pair.Output.Write(sent);
            pair.Output.Complete();
            pair.Output.Complete();
            Assert.Throws<InvalidOperationException>(() => pair.Output.GetSpan(1));
        });
        Assert.Equal(sent, await pair.Peer.ReceiveToEndAsync());
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Complete_WithAnException_Resets()
    {
        using EpollPair pair = await PairAsync();
        await _test.RunAsync(async () =>
        {
            Task<ReadResult> pending = pair.Input.ReadAsync().AsTask();
            pair.Output.Write("never"u8);
            pair.Output.Complete(new InvalidOperationException("handler"));
            await Assert.ThrowsAsync<ConnectionAbortedException>(() => pending.Within());
        });
        Assert.True(await pair.Peer.EndAsync());
    }

    [Fact, Trait("Conformance", "T9")]
    public async Task Dispose_UnreadInputAndQueuedOutput_OutputArrivesThenTheEnd()
    {
        using EpollPair pair = await PairAsync();
        await pair.Peer.SendAsync(new byte[200_000]);
        await _test.RunAsync(() =>
        {
            pair.Output.Write("answer"u8);
            _ = pair.Connection.DisposeAsync().AsTask();
        });
        Assert.Equal("answer"u8.ToArray(), await pair.Peer.ReceiveToEndAsync());
        pair.Peer.Dispose();
        await Deadlines.UntilAsync(() => pair.Connection.IsDead, "the descriptor's end");
    }

    [Fact, Trait("Conformance", "T7")]
    public async Task ConnectionClosed_Token_FiresAtTheEndAndIsCancelledAfterIt()
    {
        using EpollPair pair = await PairAsync();
        CancellationToken closed = await _test.RunAsync(() => pair.Connection.ConnectionClosed);
        var fired = new TaskCompletionSource();
        using CancellationTokenRegistration registration = closed.Register(fired.SetResult);
        await _test.RunAsync(() => pair.Connection.Abort(new ConnectionAbortedException()));
        await fired.Task.Within();
        Assert.True((await _test.RunAsync(() => pair.Connection.ConnectionClosed)).IsCancellationRequested);
    }
}
