using System.Diagnostics;

namespace ProtoServer.Tests;

/// <summary>L: other threads.</summary>
public sealed class ThreadsTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    [Fact, Trait("Conformance", "L19")]
    public async Task CallSoonThreadSafe_ParkedLoop_WakesAtOnce()
    {
        _test.Loop.CallSoonThreadSafe(() => _test.Loop.CallLater(TimeSpan.FromHours(1), static () => { }));
        for (int i = 0; i < 50; i++)
        {
            await _test.IterationsAsync(1);
            long started = Stopwatch.GetTimestamp();
            await _test.RunAsync(static () => { });
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(2));
        }
    }

    [Fact, Trait("Conformance", "L19")]
    public async Task CallSoonThreadSafe_FromManyThreadsWithTimersAround_NothingIsLostAndEachThreadsOrderHolds()
    {
        const int threads = 8;
        const int calls = 4096;
        int[] next = new int[threads];
        int outOfOrder = 0;
        await _test.RunAsync(Churn);
        void Churn() => _test.Loop.CallLater(TimeSpan.FromMicroseconds(20), Churn);
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < calls; i++)
            {
                _test.Loop.CallSoonThreadSafe(call =>
                {
                    outOfOrder += next[call.thread] == call.i ? 0 : 1;
                    next[call.thread]++;
                }, (thread, i));
            }
        }))).Within();
        await _test.RunAsync(static () => { });
        Assert.Equal(0, outOfOrder);
        Assert.All(next, static count => Assert.Equal(calls, count));
    }

    [Fact, Trait("Conformance", "L19")]
    public async Task CallSoonThreadSafe_PingPongWithAParkingLoop_NoWakeUpIsEverMissed()
    {
        // Each round meets the loop going to sleep: a lost wake-up would hang a round to its deadline.
        for (int i = 0; i < 5000; i++)
        {
            await _test.RunAsync(static () => { });
        }
    }

    [Fact, Trait("Conformance", "L20")]
    public async Task Cancel_OfAThreadSafeCallThatRuns_WaitsForItsEnd()
    {
        var inside = new ManualResetEventSlim();
        var mayEnd = new ManualResetEventSlim();
        bool ended = false;
        CallHandle handle = _test.Loop.CallSoonThreadSafe(() =>
        {
            inside.Set();
            mayEnd.Wait(Deadlines.Default);
            Volatile.Write(ref ended, true);
        });
        Assert.True(inside.Wait(Deadlines.Default));
        Task cancelling = Task.Factory.StartNew(
            () =>
            {
                handle.Cancel();
                Assert.True(Volatile.Read(ref ended), "cancel returned while the call was running");
            },
            TaskCreationOptions.LongRunning);
        mayEnd.Set();
        await cancelling.Within();
        Assert.False(handle.IsCancelled);
    }

    [Fact, Trait("Conformance", "L20")]
    public async Task Cancel_OfAThreadSafeCall_WonMeansItNeverRuns()
    {
        int wrong = 0;
        int won = 0;
        for (int i = 0; i < 2000; i++)
        {
            bool cancelled = false;
            CallHandle handle = _test.Loop.CallSoonThreadSafe(() => wrong += Volatile.Read(ref cancelled) ? 1 : 0);
            handle.Cancel();
            cancelled = handle.IsCancelled;
            won += cancelled ? 1 : 0;
        }
        await _test.RunAsync(static () => { });
        Assert.Equal(0, wrong);
        Assert.InRange(won, 0, 2000);
    }

    [Fact, Trait("Conformance", "L20")]
    public async Task Cancel_OfAThreadSafeCallFromInsideItself_DoesNotDeadlock()
    {
        var done = new TaskCompletionSource();
        CallHandle? handle = null;
        IDisposable held = await _test.HoldAsync();
        handle = _test.Loop.CallSoonThreadSafe(() =>
        {
            handle!.Cancel();
            done.SetResult();
        });
        held.Dispose();
        await done.Task.Within();
    }

    [Fact, Trait("Conformance", "L22")]
    public void Schedule_FromAnotherThreadWhileTheLoopRuns_Throws()
    {
        Assert.All(
            new Action[]
            {
                () => _test.Loop.CallSoon(static () => { }), () => _test.Loop.CallLater(TimeSpan.Zero, static () => { }), () => _test.Loop.CallAt(TimeSpan.Zero, static () => { }),
            },
            static call => Assert.Contains("CallSoonThreadSafe", Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal));
    }

    [Fact, Trait("Conformance", "L22")]
    public async Task Cancel_OfATimerFromAnotherThread_Throws()
    {
        CallHandle timer = await _test.RunAsync(() => _test.Loop.CallLater(TimeSpan.FromHours(1), static () => { }));
        Assert.Throws<InvalidOperationException>(timer.Cancel);
        Assert.False(timer.IsCancelled);
        await _test.RunAsync(timer.Cancel);
        Assert.True(timer.IsCancelled);
    }

    [Fact, Trait("Conformance", "L19")]
    public async Task StopAndDispose_WhileOtherThreadsSchedule_NeitherHangsNorThrowsButDisposed()
    {
        for (int i = 0; i < 30; i++)
        {
            EventLoop loop = EventLoop.Start();
            using var started = new ManualResetEventSlim();
            Task scheduling = Task.Factory.StartNew(
                () =>
                {
                    try
                    {
                        while (true)
                        {
                            loop.CallSoonThreadSafe(static () => { });
                            started.Set();
                        }
                    }
                    catch (ObjectDisposedException)
                    {
                        // The only way out.
                    }
                },
                TaskCreationOptions.LongRunning);
            Assert.True(started.Wait(Deadlines.Default));
            loop.Dispose();
            await scheduling.Within();
        }
    }

    [Fact, Trait("Conformance", "Q2")]
    public async Task Await_TaskCompletedByAnotherThread_ResumesOnTheLoop()
    {
        await _test.RunAsync(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                await Task.Run(static () => { });
                Assert.Same(_test.Loop, EventLoop.Current);
            }
            await Task.Run(static () => { }).ConfigureAwait(false);
            Assert.Null(EventLoop.Current);
        });
    }
}
