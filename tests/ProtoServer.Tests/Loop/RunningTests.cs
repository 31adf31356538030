namespace ProtoServer.Tests;

/// <summary>L: running, stopping and closing a loop.</summary>
public sealed class RunningTests : IDisposable
{
    private readonly EventLoop _loop = new();

    public void Dispose() => _loop.Dispose();

    [Fact, Trait("Conformance", "L5")]
    public void RunUntilComplete_TaskEnds_ReturnsItsResult() => Assert.Equal(42, _loop.RunUntilComplete(async () =>
    {
        await Task.Yield();
        Assert.Same(_loop, EventLoop.Current);
        return 42;
    }));

    [Fact, Trait("Conformance", "L5")]
    public void RunUntilComplete_TaskFails_RethrowsThatException()
    {
        var thrown = new InvalidOperationException("main");
        Assert.Same(thrown, Assert.Throws<InvalidOperationException>(() => _loop.RunUntilComplete(async () =>
        {
            await Task.Yield();
            throw thrown;
        })));
        Assert.Throws<TaskCanceledException>(() => _loop.RunUntilComplete(static () => Task.FromCanceled(new CancellationToken(true))));
    }

    [Fact, Trait("Conformance", "L5")]
    public void RunUntilComplete_MainThrowsBeforeItHasATask_RethrowsInsteadOfRunningForEver()
    {
        var thrown = new InvalidOperationException("main");
        using var rescue = new Timer(_ => _loop.Stop(), null, Deadlines.Default, Timeout.InfiniteTimeSpan);
        Assert.Same(thrown, Assert.Throws<InvalidOperationException>(() => _loop.RunUntilComplete(Task () => throw thrown)));
        Assert.Contains("null", Assert.Throws<InvalidOperationException>(() => _loop.RunUntilComplete(static () => null!)).Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L5")]
    public void RunUntilComplete_StoppedEarly_SaysSo()
    {
        Assert.Contains("stopped", Assert.Throws<InvalidOperationException>(() => _loop.RunUntilComplete(() =>
        {
            _loop.Stop();
            return new TaskCompletionSource().Task;
        })).Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L7")]
    public void Run_WhileItOrAnotherRunsOnTheThread_Throws()
    {
        using var other = new EventLoop();
        _loop.RunUntilComplete(() =>
        {
            Assert.Contains("already running", Assert.Throws<InvalidOperationException>(_loop.RunForever).Message, StringComparison.Ordinal);
            Assert.Contains("EventLoop.Start", Assert.Throws<InvalidOperationException>(other.RunForever).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => _loop.RunUntilComplete(static () => Task.CompletedTask));
            return Task.CompletedTask;
        });
        // The refused ones left nothing behind.
        _loop.RunUntilComplete(static () => Task.CompletedTask);
        other.RunUntilComplete(static () => Task.CompletedTask);
        Assert.Null(EventLoop.Current);
    }

    [Fact, Trait("Conformance", "L7")]
    public void Run_WhileAnotherThreadRunsIt_Throws()
    {
        using var test = new TestLoop();
        Assert.Contains("another thread", Assert.Throws<InvalidOperationException>(test.Loop.RunForever).Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L8")]
    public async Task Dispose_WhileRunning_Throws()
    {
        _loop.RunUntilComplete(() =>
        {
            Assert.Throws<InvalidOperationException>(_loop.Dispose);
            return Task.CompletedTask;
        });
        using var test = new TestLoop();
        InvalidOperationException thrown = await test.RunAsync(() => Assert.Throws<InvalidOperationException>(test.Loop.Dispose));
        Assert.Contains("Stop()", thrown.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L10")]
    public void Dispose_WithACallThatMeansToLeaveTheLoop_GivesTheOthersTheirTurn()
    {
        var reports = new List<LoopErrorContext>();
        _loop.ExceptionHandler = reports.Add;
        bool called = false;
        _loop.CallSoon(static () => throw new LoopAbortException("Enough."));
        _loop.CallSoon(() => called = true);
        _loop.Dispose();
        Assert.IsType<LoopAbortException>(Assert.Single(reports).Exception);
        Assert.True(called);
    }

    [Fact, Trait("Conformance", "L8")]
    public void Dispose_Again_IsHarmlessAndSchedulingThrows()
    {
        _loop.Dispose();
        _loop.Dispose();
        Assert.True(_loop.IsClosed);
        Assert.All(
            new Action[]
            {
                () => _loop.CallSoon(static () => { }), () => _loop.CallSoonThreadSafe(static () => { }), () => _loop.CallLater(TimeSpan.Zero, static () => { }),
                () => _loop.CallAt(TimeSpan.Zero, static () => { }), _loop.RunForever, () => _loop.RunUntilComplete(static () => Task.CompletedTask),
                () => _loop.CreateServer(static () => new ProbeProtocol(), "127.0.0.1", 0),
                () => _loop.AddSignalHandler(System.Runtime.InteropServices.PosixSignal.SIGHUP, static () => { }),
            },
            static call => Assert.Throws<ObjectDisposedException>(call));
        Assert.False(_loop.RemoveSignalHandler(System.Runtime.InteropServices.PosixSignal.SIGHUP));
        _loop.Stop();
    }

    [Fact, Trait("Conformance", "L8")]
    public async Task Dispose_FromManyThreadsAtOnce_ClosesOnce()
    {
        for (int i = 0; i < 50; i++)
        {
            EventLoop loop = EventLoop.Start();
            using var gate = new Barrier(4);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    gate.SignalAndWait();
                    loop.Dispose();
                    Assert.True(loop.IsClosed);
                },
                TaskCreationOptions.LongRunning))).Within();
        }
    }

    [Fact, Trait("Conformance", "L10")]
    public void LoopAbortException_FromACallback_LeavesAtOnceAndTheRestRunsInTheNextRun()
    {
        var ran = new List<int>();
        _loop.CallSoon(() => ran.Add(1));
        _loop.CallSoon(static () => throw new LoopAbortException("enough"));
        _loop.CallSoon(() => ran.Add(2));
        Assert.Equal("enough", Assert.Throws<LoopAbortException>(_loop.RunForever).Message);
        Assert.Equal([1], ran);
        Assert.False(_loop.IsRunning);
        _loop.CallSoon(_loop.Stop);
        _loop.RunForever();
        Assert.Equal([1, 2], ran);
    }

    [Fact, Trait("Conformance", "L11")]
    public void RunUntilComplete_LeftByAnAbort_ItsLateEndDoesNotStopTheNextRun()
    {
        var main = new TaskCompletionSource();
        Assert.Throws<LoopAbortException>(() => _loop.RunUntilComplete(() =>
        {
            _loop.CallSoon(static () => throw new LoopAbortException());
            return main.Task;
        }));
        main.SetResult();
        bool reached = false;
        _loop.CallLater(TimeSpan.FromMilliseconds(5), () =>
        {
            reached = true;
            _loop.Stop();
        });
        _loop.RunForever();
        Assert.True(reached);
    }

    [Fact, Trait("Conformance", "L10")]
    public async Task LoopAbortException_OnALoopWithItsOwnThread_IsReportedAndTheThreadGoesOn()
    {
        using var test = new TestLoop();
        test.Loop.CallSoonThreadSafe(static () => throw new LoopAbortException("why"));
        await test.IterationsAsync();
        Assert.IsType<LoopAbortException>(Assert.Single(test.Reports).Exception);
    }

    [Fact, Trait("Conformance", "L10")]
    public async Task LoopAbortException_FromAProtocol_ItsConnectionEndsAndTheOthersGoOn()
    {
        using var test = new TestLoop();
        var bad = new ProbeProtocol { OnData = static _ => throw new LoopAbortException("left") };
        var good = new ProbeProtocol();
        var protocols = new Queue<ProbeProtocol>([good, bad]);
        Server server = test.Loop.CreateServer(protocols.Dequeue, "127.0.0.1", 0);
        using SocketPeer goodPeer = await SocketPeer.ConnectAsync(server.Port);
        await good.Made.Within();
        using SocketPeer badPeer = await SocketPeer.ConnectAsync(server.Port);
        await badPeer.SendAsync("x");
        await bad.Lost.Within();
        await badPeer.EndAsync();
        await goodPeer.SendAsync("ok");
        await good.ReceivedAsync(2);
        Assert.Equal(1, server.Connections);
    }

    [Fact, Trait("Conformance", "L35")]
    public void Dispose_CallsStillQueued_AreDroppedAndTheirStateReleased()
    {
        WeakReference state = Schedule();
        _loop.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.True(!state.IsAlive || _loop.IsClosed);

        WeakReference Schedule()
        {
            object held = new();
            _loop.CallLater(TimeSpan.FromHours(1), static _ => throw new InvalidOperationException("after the end"), held);
            return new WeakReference(held);
        }
    }

    [Fact, Trait("Conformance", "L8")]
    public void Dispose_ServerThatNeverServed_ReleasesItsPort()
    {
        Server server = _loop.CreateServer(static () => new ProbeProtocol(), "127.0.0.1", 0, new ServerOptions { StartServing = false });
        int port = server.Port;
        _loop.Dispose();
        using var next = new EventLoop();
        Assert.Equal(port, next.CreateServer(static () => new ProbeProtocol(), "127.0.0.1", port, new ServerOptions { ReuseAddress = false }).Port);
        Assert.True(server.WaitClosedAsync().IsCompleted);
    }
}
