using System.Runtime.CompilerServices;
using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class LoopTaskTests
{
    [Fact]
    [Trait("Conformance", "G1")]
    public void CreateTask_Body_BeginsAfterItsCreatorYields() => Run(async loop =>
    {
        List<string> order = [];
        LoopTask task = loop.CreateTask(() =>
        {
            order.Add("body");
            return Task.CompletedTask;
        });
        order.Add("creator");
        Assert.Equal(TaskStatus.WaitingToRun, task.Status);
        await task;
        Assert.Equal(["creator", "body"], order);
        Assert.Equal(TaskStatus.RanToCompletion, task.Status);
    });

    [Fact]
    [Trait("Conformance", "G1")]
    public void Tasks_ThatYield_TakeTurns() => Run(async loop =>
    {
        List<string> order = [];
        LoopTask[] tasks = [.. "abc".Select(name => loop.CreateTask(async () =>
        {
            for (int i = 0; i < 3; i++)
            {
                order.Add($"{name}{i}");
                await Task.Yield();
            }
        }))];
        await Task.WhenAll(tasks.Select(task => task.Task));
        Assert.Equal(["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"], order);
    });

    [Fact]
    [Trait("Conformance", "G2")]
    public void Completion_WithAwaiters_ResumesNoneInsideTheBodysLastStep() => Run(async loop =>
    {
        List<string> order = [];
        var go = new TaskCompletionSource();
        LoopTask<int> task = loop.CreateTask(async () =>
        {
            await go.Task;
            order.Add("last step");
            return 7;
        });
        LoopTask first = loop.CreateTask(async () => order.Add($"first got {await task}"));
        LoopTask second = loop.CreateTask(async () => order.Add($"second got {await task}"));
        await Turns(2);
        go.SetResult();
        order.Add("after the step");
        await Task.WhenAll(first.Task, second.Task);
        Assert.Equal(["last step", "after the step", "first got 7", "second got 7"], order);
    });

    [Fact]
    [Trait("Conformance", "G3")]
    public void Cancel_BeforeTheBodyBegan_NeverCallsIt() => Run(async loop =>
    {
        bool called = false;
        LoopTask task = loop.CreateTask(() =>
        {
            called = true;
            return Task.CompletedTask;
        });
        Assert.True(task.Cancel());
        await Fails<OperationCanceledException>(async () => await task);
        Assert.False(called);
        Assert.True(task.IsCancelled);
    });

    [Fact]
    [Trait("Conformance", "G4")]
    public void Cancel_OfATaskThatAwaitsAnother_ReachesItThroughTheTokenAndRunsItsFinally() => Run(async loop =>
    {
        List<string> order = [];
        LoopTask outer = loop.CreateTask(async outerToken =>
        {
            LoopTask inner = loop.CreateTask(async token =>
            {
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
                }
                finally
                {
                    await Task.Yield();
                    order.Add("cleaned up");
                }
            });
            using CancellationTokenRegistration pass = outerToken.Register(() => inner.Cancel());
            await inner;
        });
        await Turns(3);
        outer.Cancel();
        order.Add("cancel returned");
        await Fails<OperationCanceledException>(async () => await outer);
        Assert.Equal(["cancel returned", "cleaned up"], order);
    });

    [Fact]
    [Trait("Conformance", "G4")]
    [Trait("Conformance", "G25")]
    public void Cancel_OfWhatWasNotGivenTheToken_LeavesItRunning() => Run(async loop =>
    {
        var done = new TaskCompletionSource<string>();
        LoopTask<string> shielded = loop.CreateTask(() => done.Task);
        LoopTask<string> outer = loop.CreateTask(token => shielded.Task.WaitAsync(token));
        await Turns(2);
        outer.Cancel();
        await Fails<OperationCanceledException>(async () => await outer);
        Assert.False(shielded.IsCompleted);
        done.SetResult("unharmed");
        Assert.Equal("unharmed", await shielded);
    });

    [Fact]
    [Trait("Conformance", "G4")]
    public void Cancel_Repeated_IsCountedAndMayBeSwallowed() => Run(async loop =>
    {
        LoopTask<string> task = loop.CreateTask(async token =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
                return "not cancelled";
            }
            catch (OperationCanceledException)
            {
                return "swallowed";
            }
        });
        await Turns(2);
        Assert.True(task.Cancel());
        Assert.True(task.Cancel());
        Assert.Equal(2, task.CancelCount);
        Assert.Equal("swallowed", await task);
        Assert.False(task.IsCancelled);
        Assert.False(task.Cancel());
        Assert.Equal(2, task.CancelCount);
    });

    [Fact]
    public void Cancel_WhileABodyAwaits_NeverResumesItInsideTheCall() => Run(async loop =>
    {
        bool resumed = false;
        LoopTask task = loop.CreateTask(async token =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
            }
            finally
            {
                resumed = true;
            }
        });
        await Turns(2);
        task.Cancel();
        Assert.False(resumed);
        Assert.True(task.CancellationToken.IsCancellationRequested);
        await Fails<OperationCanceledException>(async () => await task);
        Assert.True(resumed);
    });

    [Fact]
    [Trait("Conformance", "G5")]
    public void Cancel_BetweenTheBodysEndAndTheOutcome_Wins() => Run(async loop =>
    {
        var go = new TaskCompletionSource();
        LoopTask task = loop.CreateTask(async () => await go.Task);
        await Turns(2);
        go.SetResult();
        Assert.True(task.Cancel());
        await Fails<OperationCanceledException>(async () => await task);
        Assert.True(task.IsCancelled);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Conformance", "G6")]
    public void Cancel_WithAMessage_IsWhatTheExceptionSays(bool begun) => Run(async loop =>
    {
        LoopTask task = loop.CreateTask(token => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token));
        if (begun)
        {
            await Turns(2);
        }
        task.Cancel("the user went home");
        OperationCanceledException exception = await Fails<OperationCanceledException>(async () => await task);
        Assert.Equal("the user went home", exception.Message);
        Assert.Equal(task.CancellationToken, exception.CancellationToken);
    });

    [Fact]
    [Trait("Conformance", "G7")]
    public void Await_OfItself_ThrowsAndTheLoopLives() => Run(async loop =>
    {
        LoopTask? self = null;
        self = loop.CreateTask(async () => await self!);
        InvalidOperationException exception = await Fails<InvalidOperationException>(async () => await self);
        Assert.Contains("cannot await itself", exception.Message);
    });

    [Fact]
    [Trait("Conformance", "G7")]
    public void Await_OfAnotherLoopsTask_ResumesOnTheOwnLoop() => Run(async loop =>
    {
        using EventLoop other = EventLoop.Start();
        // Better than asyncio, where this is an error: the runtime's tasks cross threads.
        int answer = await other.RunThreadSafeAsync(async _ =>
        {
            await Task.Yield();
            Assert.Same(other, EventLoop.Current);
            return 42;
        });
        Assert.Equal(42, answer);
        Assert.Same(loop, EventLoop.Current);
    });

    [Fact]
    [Trait("Conformance", "G9")]
    public void Task_ThatNobodyHolds_SurvivesGarbageCollections()
    {
        bool ended = false;
        Run(async loop =>
        {
            Create(loop);
            for (int i = 0; i < 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await Task.Delay(TimeSpan.FromMilliseconds(2), loop.TimeProvider);
            }
            while (loop.Tasks.Count > 0)
            {
                await Task.Yield();
            }
        });
        Assert.True(ended);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Create(EventLoop loop) => loop.CreateTask(async () =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
            ended = true;
        });
    }

    [Fact]
    [Trait("Conformance", "G10")]
    public void Failure_ThatNobodyAwaits_IsReportedOnceAtTheEndOfTheTask()
    {
        List<LoopErrorContext> reports = Run(async loop =>
        {
            _ = loop.CreateTask(() => throw new InvalidDataException("lost"), "forgotten");
            await Turns(6);
        });
        LoopErrorContext report = Assert.Single(reports);
        Assert.Equal("lost", Assert.IsType<InvalidDataException>(report.Exception).Message);
        Assert.Contains("forgotten", report.Message);
        Assert.IsAssignableFrom<LoopTask>(report.Source);
    }

    [Fact]
    [Trait("Conformance", "G10")]
    public void Failure_ThatSomebodyAwaits_IsTheirs() => Assert.Empty(Run(async loop =>
    {
        LoopTask task = loop.CreateTask(() => throw new InvalidDataException("caught"));
        await Fails<InvalidDataException>(async () => await task);
        await Turns(4);
    }));

    [Fact]
    [Trait("Conformance", "G10")]
    public void Loop_ClosedWithPendingTasks_NamesThem()
    {
        using var log = new LogLines();
        Run(
            async loop =>
            {
                _ = loop.CreateTask(() => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider), "left alone");
                await Turns(2);
            },
            new EventLoopOptions { LoggerFactory = log });
        Assert.Contains(log.All, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("left alone"));
    }

    [Fact]
    [Trait("Conformance", "G27")]
    public void EagerStart_BodyThatNeverWaits_HasEndedWhenCreateTaskReturns() => Run(async loop =>
    {
        LoopTask? seen = null;
        LoopTask<int> task = loop.CreateTask(
            () =>
            {
                seen = LoopTask.Current;
                return Task.FromResult(5);
            },
            eagerStart: true);
        Assert.True(task.IsCompleted);
        Assert.Same(task, seen);
        Assert.NotSame(task, LoopTask.Current);
        Assert.Equal(5, await task);
    });

    [Fact]
    [Trait("Conformance", "G27")]
    public void EagerStart_ValuesSetByTheBody_StayInTheTask() => Run(async loop =>
    {
        var value = new AsyncLocal<string> { Value = "mine" };
        await loop.CreateTask(
            async () =>
            {
                Assert.Equal("mine", value.Value);
                value.Value = "the task's";
                await Task.Yield();
                Assert.Equal("the task's", value.Value);
            },
            eagerStart: true);
        Assert.Equal("mine", value.Value);
    });

    [Fact]
    [Trait("Conformance", "G27")]
    public void EagerStart_ThatFails_IsTheTasksFailure() => Run(async loop =>
    {
        LoopTask task = loop.CreateTask(() => throw new InvalidDataException("at once"), eagerStart: true);
        Assert.True(task.IsFaulted);
        await Fails<InvalidDataException>(async () => await task);
        Assert.Empty(loop.Tasks);
    });

    [Fact]
    [Trait("Conformance", "G28")]
    public void TasksAndCurrent_OnTheLoopAndOffIt_AreRight() => Run(async loop =>
    {
        LoopTask? first = null;
        LoopTask? second = null;
        first = loop.CreateTask(async () =>
        {
            Assert.Same(first, LoopTask.Current);
            await Task.Yield();
            Assert.Same(first, LoopTask.Current);
            IReadOnlyList<LoopTask> seen = await loop.RunInExecutorAsync(() =>
            {
                Assert.Null(LoopTask.Current);
                return loop.Tasks;
            });
            Assert.Equal([first!, second!], seen);
            Assert.Same(first, LoopTask.Current);
        });
        var go = new TaskCompletionSource();
        second = loop.CreateTask(() => go.Task);
        Assert.Null(LoopTask.Current);
        await first;
        go.SetResult();
        await second;
        Assert.Empty(loop.Tasks);
    });

    [Fact]
    public void CallSoon_FromATask_IsNoPartOfIt() => Run(async loop =>
    {
        var value = new AsyncLocal<int>();
        var seen = new TaskCompletionSource<(LoopTask?, int)>();
        await loop.CreateTask(() =>
        {
            value.Value = 1;
            loop.CallSoon(() => seen.SetResult((LoopTask.Current, value.Value)));
            return Task.CompletedTask;
        });
        Assert.Equal((null, 0), await seen.Task);
    });

    [Fact]
    public void Callback_ThatSetsAValue_LeavesItToNoOther() => Run(async loop =>
    {
        var value = new AsyncLocal<string>();
        string? seen = "nothing called";
        loop.CallSoon(() => value.Value = "leaked");
        loop.CallSoon(() => seen = value.Value);
        await Turns(2);
        Assert.Null(seen);
    });

    [Fact]
    public void CreateTask_Values_AreTakenAlongOnceAndKeptApart() => Run(async loop =>
    {
        var value = new AsyncLocal<string> { Value = "before" };
        List<string?> seen = [];
        LoopTask[] tasks = [.. "ab".Select(name => loop.CreateTask(async () =>
        {
            seen.Add(value.Value);
            value.Value = $"{name}'s";
            await Task.Yield();
            seen.Add(value.Value);
        }))];
        value.Value = "after";
        await Task.WhenAll(tasks.Select(task => task.Task));
        Assert.Equal(["before", "before", "a's", "b's"], seen);
        Assert.Equal("after", value.Value);
    });

    [Fact]
    public void LoopAbort_InATask_LeavesTheLoop()
    {
        using var loop = new EventLoop();
        _ = loop.CreateTask(async () =>
        {
            await Task.Yield();
            throw new LoopAbortException("enough");
        });
        Assert.Equal("enough", Assert.Throws<LoopAbortException>(loop.RunForever).Message);
    }
}
