using System.Collections.Concurrent;
using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class ExecutorTests
{
    [Fact]
    [Trait("Conformance", "L31")]
    public void RunInExecutor_Thread_IsNamedAfterTheLoopAndMadeWhenNeeded() => Run(
        async loop =>
        {
            int loopThread = Environment.CurrentManagedThreadId;
            (string? name, bool background, int id) = await loop.RunInExecutorAsync(() => (Thread.CurrentThread.Name, Thread.CurrentThread.IsBackground, Environment.CurrentManagedThreadId));
            Assert.Equal("ProtoServer orders executor 1", name);
            Assert.True(background);
            Assert.NotEqual(loopThread, id);
            Assert.Equal(loopThread, Environment.CurrentManagedThreadId);
            Assert.Equal(name, await loop.RunInExecutorAsync(() => Thread.CurrentThread.Name));
        },
        new EventLoopOptions { Name = "orders" });

    [Fact]
    [Trait("Conformance", "L31")]
    public void RunInExecutor_MoreWorkThanThreads_WaitsInLine() => Run(
        async loop =>
        {
            using var go = new SemaphoreSlim(0);
            int running = 0;
            var names = new ConcurrentDictionary<string, bool>();
            Task[] work = [.. Enumerable.Range(0, 6).Select(_ => loop.RunInExecutorAsync(() =>
            {
                Assert.InRange(Interlocked.Increment(ref running), 1, 2);
                names.TryAdd(Thread.CurrentThread.Name!, true);
                go.Wait();
                Interlocked.Decrement(ref running);
            }))];
            go.Release(6);
            await Task.WhenAll(work);
            Assert.InRange(names.Count, 1, 2);
        },
        new EventLoopOptions { ExecutorThreads = 2 });

    [Fact]
    [Trait("Conformance", "L31")]
    public void Close_WithWorkThatDoesNotEnd_WarnsInsteadOfHanging()
    {
        using var log = new LogLines();
        using var stuck = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        EventLoop.Run(
            loop =>
            {
                _ = loop.RunInExecutorAsync(() =>
                {
                    begun.Set();
                    stuck.Wait();
                });
                return loop.RunInExecutorAsync(begun.Wait);
            },
            new EventLoopOptions { Name = "closing", LoggerFactory = log, ShutdownTimeout = TimeSpan.FromMilliseconds(20) });
        stuck.Set();
        Assert.Contains(log.All, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("ProtoServer closing executor 1"));
    }

    [Fact]
    [Trait("Conformance", "L31")]
    public void Close_WithWorkUnderWay_WaitsForIt()
    {
        bool done = false;
        EventLoop.Run(loop =>
        {
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = loop.RunInExecutorAsync(() =>
            {
                begun.SetResult();
                Thread.Sleep(5); // the work itself: nothing waits for it but the loop's end
                done = true;
            });
            return begun.Task;
        });
        Assert.True(done);
    }

    [Fact]
    [Trait("Conformance", "L31")]
    public void RunInExecutor_AfterItsEnd_SaysSo() => Run(async loop =>
    {
        await loop.ShutdownExecutorAsync();
        await loop.ShutdownExecutorAsync();
        InvalidOperationException exception = await Fails<InvalidOperationException>(() => loop.RunInExecutorAsync(() => { }));
        Assert.Contains("closing", exception.Message);
    });

    [Fact]
    [Trait("Conformance", "L32")]
    public void RunInExecutor_ValuesAndExceptions_CrossTheThreads() => Run(async loop =>
    {
        var value = new AsyncLocal<string> { Value = "the caller's" };
        Assert.Equal("the caller's", await loop.RunInExecutorAsync(() => value.Value));
        await loop.RunInExecutorAsync(() => value.Value = "the worker's");
        Assert.Equal("the caller's", value.Value);
        value.Value = null!;
        Assert.Null(await loop.RunInExecutorAsync(() => value.Value));
        InvalidDataException exception = await Fails<InvalidDataException>(() => loop.RunInExecutorAsync(() => throw new InvalidDataException("disk")));
        Assert.Equal("disk", exception.Message);
    });

    [Fact]
    [Trait("Conformance", "L32")]
    public void RunInExecutor_ThatEndsInAnotherOrder_GivesEachItsResult() => Run(
        async loop =>
        {
            using var second = new ManualResetEventSlim();
            Task<int> slow = loop.RunInExecutorAsync(() =>
            {
                second.Wait();
                return 1;
            });
            Task<int> fast = loop.RunInExecutorAsync(() =>
            {
                second.Set();
                return 2;
            });
            int[] results = await Task.WhenAll(slow, fast);
            Assert.Equal([1, 2], results);
        },
        new EventLoopOptions { ExecutorThreads = 2 });

    // Many new executors: a thread that is about to take the first call must not be counted on for the second.
    [Fact]
    [Trait("Conformance", "L31")]
    public void RunInExecutor_WhileAThreadTakesTheCallBefore_DoesNotWaitBehindIt()
    {
        for (int round = 0; round < 300; round++)
        {
            int pause = round * 20;
            Run(
                async loop =>
                {
                    using var second = new ManualResetEventSlim();
                    Task first = loop.RunInExecutorAsync(second.Wait);
                    Thread.SpinWait(pause);
                    await Task.WhenAll(first, loop.RunInExecutorAsync(second.Set));
                },
                new EventLoopOptions { ExecutorThreads = 2 });
        }
    }

    [Fact]
    [Trait("Conformance", "L31")]
    public void RunInExecutor_OneCallAfterTheOther_IsOneThread() => Run(
        async loop =>
        {
            var names = new HashSet<string?>();
            for (int i = 0; i < 1000; i++)
            {
                names.Add(await loop.RunInExecutorAsync(() => Thread.CurrentThread.Name));
            }
            Assert.Single(names);
        },
        new EventLoopOptions { ExecutorThreads = 4 });

    [Fact]
    [Trait("Conformance", "L33")]
    public void RunInExecutor_CancelledWhileItRuns_IsNoLongerWaitedForAndHarmsNothing() => Run(async loop =>
    {
        using var cancellation = new CancellationTokenSource();
        using var go = new ManualResetEventSlim();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<int> work = loop.RunInExecutorAsync(
            () =>
            {
                begun.SetResult();
                go.Wait();
                return 1;
            },
            cancellation.Token);
        await begun.Task;
        cancellation.Cancel();
        await Fails<OperationCanceledException>(() => work);
        go.Set();
        Assert.Equal(2, await loop.RunInExecutorAsync(() => 2));
    });

    [Fact]
    [Trait("Conformance", "L33")]
    public void RunInExecutor_CancelledBeforeItsTurn_IsNotBegun() => Run(
        async loop =>
        {
            using var cancellation = new CancellationTokenSource();
            using var go = new ManualResetEventSlim();
            Task first = loop.RunInExecutorAsync(go.Wait);
            bool begun = false;
            Task second = loop.RunInExecutorAsync(() => begun = true, cancellation.Token);
            cancellation.Cancel();
            await Fails<OperationCanceledException>(() => second);
            go.Set();
            await first;
            await loop.RunInExecutorAsync(() => { });
            Assert.False(begun);
        },
        new EventLoopOptions { ExecutorThreads = 1 });
}
