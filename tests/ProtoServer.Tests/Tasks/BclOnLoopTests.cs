using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

/// <summary>What asyncio has and .NET has too is .NET's here: these tests show that it works on the loop as one expects.</summary>
public class BclOnLoopTests
{
    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    [Fact]
    [Trait("Conformance", "Q1")]
    public void Semaphore_AsALock_LetsWaitersInOnTheLoopInOrder() => Run(async loop =>
    {
        using var gate = new SemaphoreSlim(1);
        List<int> order = [];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => loop.CreateTask(async () =>
        {
            await gate.WaitAsync();
            Assert.Same(loop, EventLoop.Current);
            order.Add(number);
            await Task.Yield();
            gate.Release();
        }).Task));
        Assert.Equal([0, 1, 2, 3], order);
    });

    [Fact]
    [Trait("Conformance", "Q1")]
    public void Channel_AsAQueue_HandsOverOnTheLoopInOrder() => Run(async loop =>
    {
        var queue = Channel.CreateBounded<int>(2);
        List<int> got = [];
        LoopTask consumer = loop.CreateTask(async () =>
        {
            await foreach (int item in queue.Reader.ReadAllAsync())
            {
                Assert.Same(loop, EventLoop.Current);
                got.Add(item);
            }
        });
        for (int i = 0; i < 20; i++)
        {
            await queue.Writer.WriteAsync(i);
            Assert.Same(loop, EventLoop.Current);
        }
        queue.Writer.Complete();
        await consumer;
        Assert.Equal(Enumerable.Range(0, 20), got);
    });

    [Fact]
    [Trait("Conformance", "Q1")]
    public void Time_DelayTimerWaitAndCancelAfter_TickOnTheLoopsClock() => Run(async loop =>
    {
        TimeSpan begin = loop.Time;
        await Task.Delay(Milliseconds(3), loop.TimeProvider);
        Assert.InRange(loop.Time - begin, Milliseconds(3), Milliseconds(20_000));
        Assert.Same(loop, EventLoop.Current);

        using var timer = new PeriodicTimer(Milliseconds(1), loop.TimeProvider);
        Assert.True(await timer.WaitForNextTickAsync());
        Assert.True(await timer.WaitForNextTickAsync());
        Assert.Same(loop, EventLoop.Current);

        await Fails<TimeoutException>(() => new TaskCompletionSource().Task.WaitAsync(Milliseconds(1), loop.TimeProvider));
        Assert.Same(loop, EventLoop.Current);

        using var cancellation = new CancellationTokenSource(Milliseconds(1), loop.TimeProvider);
        await Fails<OperationCanceledException>(() => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, cancellation.Token));
        Assert.Same(loop, EventLoop.Current);
    });

    [Fact]
    [Trait("Conformance", "Q2")]
    public void Await_OfWhatAnotherThreadCompletes_ResumesOnTheLoop() => Run(async loop =>
    {
        var done = new TaskCompletionSource<int>();
        new Thread(() => done.SetResult(Environment.CurrentManagedThreadId)).Start();
        Assert.NotEqual(Environment.CurrentManagedThreadId, await done.Task);
        Assert.Same(loop, EventLoop.Current);
    });

    private sealed class Kept : IProtocol
    {
        public ITransport? Transport { get; private set; }

        public void ConnectionMade(ITransport transport) => Transport = transport;

        public void DataReceived(ReadOnlySpan<byte> data)
        {
        }

        public void ConnectionLost(Exception? exception)
        {
        }
    }

    [Fact]
    [Trait("Conformance", "Q2")]
    public void ConfigureAwaitFalse_LeavesTheLoop_AndATransportSaysSo() => Run(async loop =>
    {
        var protocol = new Kept();
        await using Server server = loop.CreateServer(() => protocol, "127.0.0.1", 0);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Port);
        while (protocol.Transport is null)
        {
            await Task.Delay(Milliseconds(1), loop.TimeProvider);
        }
        await OffTheLoop(loop, protocol.Transport);
        Assert.Same(loop, EventLoop.Current);
        protocol.Transport.Abort();

        static async Task OffTheLoop(EventLoop loop, ITransport transport)
        {
            var elsewhere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            // Not before the await is there, or it would not have to wait.
            loop.CallSoon(() => new Thread(elsewhere.SetResult).Start());
            await elsewhere.Task.ConfigureAwait(false);
            Assert.Null(EventLoop.Current);
            InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => transport.Write("too far"u8));
            Assert.Contains("CallSoonThreadSafe", exception.Message);
        }
    });

    [Fact]
    [Trait("Conformance", "G23")]
    public void Wait_FirstCompletedAllAndTimeout_CancelNothing() => Run(async loop =>
    {
        var slow = new TaskCompletionSource<string>();
        LoopTask<string> fast = loop.CreateTask(() => Task.FromResult("fast"));
        LoopTask<string> late = loop.CreateTask(() => slow.Task);
        Assert.Same(fast.Task, await Task.WhenAny(fast.Task, late.Task));
        await Fails<TimeoutException>(() => Task.WhenAll(fast.Task, late.Task).WaitAsync(Milliseconds(1), loop.TimeProvider));
        Assert.False(late.IsCompleted);
        slow.SetResult("late");
        Assert.Equal(["fast", "late"], await Task.WhenAll(fast.Task, late.Task));
    });

    [Fact]
    [Trait("Conformance", "G24")]
    public void Gather_ResultsDuplicatesAndFailures_AreWhenAlls() => Run(async loop =>
    {
        LoopTask<int> second = loop.CreateTask(async () =>
        {
            await Turns(3);
            return 2;
        });
        LoopTask<int> first = loop.CreateTask(() => Task.FromResult(1));
        int[] results = await Task.WhenAll(second.Task, first.Task, second.Task);
        Assert.Equal([2, 1, 2], results);

        LoopTask<int> failing = loop.CreateTask<int>(() => throw new InvalidDataException());
        Task<int[]> all = Task.WhenAll(first.Task, failing.Task);
        // return_exceptions=True: look at each instead of awaiting all.
        await all.ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.True(first.Task.IsCompletedSuccessfully);
        Assert.IsType<InvalidDataException>(failing.Task.Exception!.InnerException);

        using var cancellation = new CancellationTokenSource();
        LoopTask[] waiting = [.. Enumerable.Range(0, 3).Select(_ => loop.CreateTask(() => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, cancellation.Token)))];
        await Turns(2);
        cancellation.Cancel();
        await Fails<OperationCanceledException>(() => Task.WhenAll(waiting.Select(task => task.Task)));
        Assert.All(waiting, task => Assert.True(task.IsCancelled));
    });

    [Fact]
    [Trait("Conformance", "G25")]
    public void Shield_WhoseInnerFailsLater_IsReportedOnceWhenNobodyAwaitsIt()
    {
        List<LoopErrorContext> reports = Run(async loop =>
        {
            var go = new TaskCompletionSource();
            LoopTask outer = loop.CreateTask(async token =>
            {
                _ = loop.CreateTask(async () =>
                {
                    await go.Task;
                    throw new InvalidDataException("later");
                });
                await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
            });
            await Turns(3);
            outer.Cancel();
            await Fails<OperationCanceledException>(async () => await outer);
            go.SetResult();
            await Turns(4);
        });
        Assert.Equal("later", Assert.Single(reports).Exception.Message);
    }

    [Fact]
    [Trait("Conformance", "G26")]
    public void AsCompleted_IsWhenEach() => Run(async loop =>
    {
        TaskCompletionSource<string>[] sources = [new(), new(), new()];
        Task<string>[] tasks = [.. sources.Select(source => loop.CreateTask(() => source.Task).Task)];
        List<Task<string>> order = [];
        loop.CallLater(Milliseconds(1), () => sources[2].SetResult("c"));
        loop.CallLater(Milliseconds(2), () => sources[0].SetResult("a"));
        loop.CallLater(Milliseconds(3), () => sources[1].SetResult("b"));
        await foreach (Task<string> done in Task.WhenEach(tasks))
        {
            order.Add(done);
            Assert.Same(loop, EventLoop.Current);
        }
        Assert.Equal([tasks[2], tasks[0], tasks[1]], order);
    });
}
