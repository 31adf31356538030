using System.Runtime.InteropServices;

namespace ProtoServer.Tests.Tasks;

public class RunnerTests
{
    [Fact]
    [Trait("Conformance", "U1")]
    public void Run_Result_IsReturned() => Assert.Equal(42, EventLoop.Run(async loop =>
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider);
        return 42;
    }));

    [Fact]
    [Trait("Conformance", "U1")]
    public void Run_Failure_IsRethrownAsItWas()
    {
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => EventLoop.Run(Fail));
        Assert.Contains(nameof(Fail), exception.StackTrace!);

        static async Task Fail(EventLoop loop)
        {
            await Task.Yield();
            throw new InvalidDataException("main");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Conformance", "U1")]
    public void Run_End_CancelsTasksThenGeneratorsThenExecutorThenLoopEvenWhenAStepFails(bool mainFails)
    {
        List<string> order = [];
        using var log = new LogLines();
        IAsyncEnumerator<int>? half = null;
        EventLoop? kept = null;
        var options = new EventLoopOptions { LoggerFactory = log };
        void Run() => EventLoop.Run(
            async loop =>
            {
                kept = loop;
                loop.OnClosing(() => order.Add("loop"));
                _ = loop.CreateTask(async token =>
                {
                    try
                    {
                        await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
                    }
                    finally
                    {
                        await Task.Yield();
                        order.Add("task");
                        OnLoop.Throw(new InvalidDataException("a task's cleanup"));
                    }
                });
                half = Generate(order).OnLoop(loop).GetAsyncEnumerator();
                await half.MoveNextAsync();
                var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                using var closed = new ManualResetEventSlim();
                _ = loop.RunInExecutorAsync(() =>
                {
                    begun.SetResult();
                    SpinWait.SpinUntil(() => order.Contains("generator"), TimeSpan.FromSeconds(30));
                    order.Add("executor");
                });
                await begun.Task;
                if (mainFails)
                {
                    throw new TimeoutException("main");
                }
            },
            options);
        if (mainFails)
        {
            Assert.Throws<TimeoutException>(Run);
        }
        else
        {
            Run();
        }
        Assert.Equal(["task", "generator", "executor", "loop"], order);
        Assert.True(kept!.IsClosed);
        Assert.Contains(log.All, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("a task's cleanup"));
        Assert.Contains(log.All, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("a generator's cleanup"));
        GC.KeepAlive(half);
    }

    private static async IAsyncEnumerable<int> Generate(List<string> order)
    {
        try
        {
            yield return 1;
        }
        finally
        {
            await Task.Yield();
            order.Add("generator");
            OnLoop.Throw(new InvalidDataException("a generator's cleanup"));
        }
    }

    [Fact]
    public void Run_TaskThatIgnoresItsCancellation_IsNamedAndLeftBehind()
    {
        using var log = new LogLines();
        EventLoop.Run(
            async loop =>
            {
                _ = loop.CreateTask(() => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider), "deaf");
                await OnLoop.Turns(2);
            },
            new EventLoopOptions { LoggerFactory = log, ShutdownTimeout = TimeSpan.FromMilliseconds(10) });
        Assert.Contains(log.All, line => line.Contains("pass their token on") && line.Contains("deaf") && line.Contains("Task.Delay"));
    }

    [Fact]
    [Trait("Conformance", "U1")]
    public void Run_StoppedByTheMainTask_ClosesAllTheSame()
    {
        EventLoop? kept = null;
        Assert.Throws<InvalidOperationException>(() => EventLoop.Run(
            loop =>
            {
                kept = loop;
                loop.Stop();
                return new TaskCompletionSource().Task;
            },
            new EventLoopOptions { LoggerFactory = new LogLines(), ShutdownTimeout = TimeSpan.FromMilliseconds(10) }));
        Assert.True(kept!.IsClosed);
    }

    [Fact]
    [Trait("Conformance", "U2")]
    public void Run_InsideARunningLoop_Throws() => EventLoop.Run(_ =>
    {
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => EventLoop.Run(_ => Task.CompletedTask));
        Assert.Contains("await", exception.Message);
        return Task.CompletedTask;
    });

    [Fact]
    public void Run_MainTask_IsNamedMain() => EventLoop.Run(loop =>
    {
        Assert.Equal("main", LoopTask.Current!.Name);
        Assert.Same(LoopTask.Current, Assert.Single(loop.Tasks));
        return Task.CompletedTask;
    });

    [Fact]
    public void Run_CancelledByOtherCode_IsAPlainCancellation()
    {
        OperationCanceledException exception = Assert.ThrowsAny<OperationCanceledException>(() => EventLoop.Run(loop =>
        {
            LoopTask main = LoopTask.Current!;
            loop.CallSoon(() => main.Cancel("by other code"));
            return Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, main.CancellationToken);
        }));
        Assert.IsNotType<RunInterruptedException>(exception);
        Assert.Equal("by other code", exception.Message);
    }

    [Fact]
    [Trait("Conformance", "U6")]
    public void Loop_RunSeveralTimes_KeepsItsStateAndClosesOnce()
    {
        var value = new AsyncLocal<int> { Value = 1 };
        var loop = new EventLoop();
        loop.RunUntilComplete(() => Task.CompletedTask);
        Assert.Equal(1, loop.RunUntilComplete(async () =>
        {
            await Task.Yield();
            return value.Value;
        }));
        loop.Dispose();
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.RunUntilComplete(() => Task.CompletedTask));
        Assert.Throws<ObjectDisposedException>(() => loop.CreateTask(() => Task.CompletedTask));
    }

    [Fact]
    [Trait("Conformance", "U8")]
    public void AddSignalHandler_UncatchableOrAsync_IsRejected()
    {
        using var loop = new EventLoop();
        Assert.Throws<PlatformNotSupportedException>(() => loop.AddSignalHandler((PosixSignal)9, () => { }));
        ArgumentException exception = Assert.Throws<ArgumentException>(() => loop.AddSignalHandler(PosixSignal.SIGHUP, async () => await Task.Yield()));
        Assert.Contains("CreateTask", exception.Message);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(86_401)]
    public void ShutdownTimeout_OutOfRange_Throws(int seconds) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        EventLoop.Run(_ => Task.CompletedTask, new EventLoopOptions { ShutdownTimeout = TimeSpan.FromSeconds(seconds) }));
}
