using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

/// <summary>What users hang on the loop's tokens, and what becomes of it when it throws.</summary>
public class TokenCallbackTests
{
    [Theory]
    [InlineData("task")]
    [InlineData("group")]
    [InlineData("timeout")]
    [InlineData("shutdown")]
    public void ThatThrow_AreReportedOneByOne_WithTheTokensNameAndOwner(string kind)
    {
        object? owner = null;
        string name = kind == "shutdown" ? nameof(EventLoop.ShutdownToken) : nameof(LoopTask.CancellationToken);
        List<LoopErrorContext> reports = Run(async loop =>
        {
            switch (kind)
            {
                case "task":
                    LoopTask task = loop.CreateTask(token => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token));
                    Hang(task.CancellationToken, task);
                    task.Cancel();
                    await Fails<OperationCanceledException>(async () => await task);
                    break;
                case "group":
                    await TaskGroup.RunAsync(group =>
                    {
                        Hang(group.CancellationToken, group);
                        group.Cancel();
                        return Task.CompletedTask;
                    });
                    break;
                case "timeout":
                    await Fails<TimeoutException>(() => TimeoutScope.RunAsync(TimeSpan.FromMilliseconds(1), scope =>
                    {
                        Hang(scope.CancellationToken, scope);
                        return Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, scope.CancellationToken);
                    }));
                    break;
                default:
                    Hang(loop.ShutdownToken, loop);
                    loop.RequestShutdown();
                    break;
            }
        });
        Assert.Equal(["one", "two"], reports.Select(report => Assert.IsType<InvalidDataException>(report.Exception).Message).Order());
        Assert.All(reports, report => Assert.Same(owner, report.Source));
        Assert.All(reports, report => Assert.Equal(name, report.Callback));

        void Hang(CancellationToken token, object source)
        {
            owner = source;
            token.Register(() => OnLoop.Throw(new InvalidDataException("one")));
            token.Register(() => OnLoop.Throw(new InvalidDataException("two")));
        }
    }

    [Fact]
    public void ThatThrowsAnEmptyCollection_IsReported()
    {
        List<LoopErrorContext> reports = Run(_ => CancelGroupAsync(new AggregateException("nothing in it")));
        Assert.Contains("nothing in it", Assert.Single(reports).Exception.ToString());
    }

    [Fact]
    [Trait("Conformance", "L10")]
    public void ThatMeanToLeaveTheLoop_LeaveItOnce()
    {
        using var loop = new EventLoop();
        var reports = new List<LoopErrorContext>();
        loop.ExceptionHandler = reports.Add;
        Assert.Throws<LoopAbortException>(() => Run(loop, async () =>
        {
            await CancelGroupAsync(new LoopAbortException("Enough."), new LoopAbortException("Enough, too."));
            await Turns(100);
        }));
        Assert.IsType<LoopAbortException>(Assert.Single(reports).Exception);
        Run(loop, () => Turns(5));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhileNobodyRunsTheLoop_AreReportedAtOnce_AndTheNextRunIsNotConcerned(bool isClosed)
    {
        using var loop = new EventLoop();
        var reports = new List<LoopErrorContext>();
        loop.ExceptionHandler = reports.Add;
        LoopTask? task = null;
        Run(loop, async () =>
        {
            task = loop.CreateTask(token => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token));
            task.CancellationToken.Register(() => OnLoop.Throw(new InvalidDataException("one")));
            task.CancellationToken.Register(() => OnLoop.Throw(new LoopAbortException("two")));
            await Turns(2);
        });
        if (isClosed)
        {
            loop.Dispose();
        }
        reports.Clear();
        task!.Cancel();
        Assert.Equal(["one", "two"], reports.Select(report => report.Exception.Message).Order());
        if (!isClosed)
        {
            Run(loop, () => Turns(5));
        }
    }

    [Fact]
    [Trait("Conformance", "U1")]
    public void ThatMeanToLeaveTheLoop_WhileItEnds_LeaveTheOthersTheirCleanup()
    {
        List<string> cleaned = [];
        using var log = new LogLines();
        EventLoop.Run(
            async loop =>
            {
                foreach (string name in new[] { "first", "second" })
                {
                    LoopTask left = loop.CreateTask(async token =>
                    {
                        try
                        {
                            await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
                        }
                        finally
                        {
                            await Turns(20);
                            cleaned.Add(name);
                        }
                    });
                    left.CancellationToken.Register(() => OnLoop.Throw(new LoopAbortException("Enough.")));
                }
                await Turns(2);
            },
            new EventLoopOptions { LoggerFactory = log });
        Assert.Equal(["first", "second"], cleaned.Order());
    }

    [Fact]
    public void WhoseReportMeansToLeaveTheLoop_DoesNotKeepTheGroupFromEnding()
    {
        using var loop = new EventLoop();
        LoopTask? child = null;
        loop.ExceptionHandler = _ => throw new LoopAbortException("Enough.");
        Assert.Throws<LoopAbortException>(() => Run(loop, () => TaskGroup.RunAsync(async group =>
        {
            child = group.CreateTask(token => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token));
            await Turns(2);
            group.CancellationToken.Register(() => OnLoop.Throw(new InvalidDataException("one")));
            group.Cancel();
            await Turns(100);
        })));
        Assert.True(child!.CancellationToken.IsCancellationRequested);
    }

    private static Task CancelGroupAsync(params Exception[] thrown) => TaskGroup.RunAsync(group =>
    {
        foreach (Exception exception in thrown)
        {
            group.CancellationToken.Register(() => OnLoop.Throw(exception));
        }
        group.Cancel();
        return Task.CompletedTask;
    });
}
