namespace ProtoServer.Tests.Tasks;

public class RunThreadSafeTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    [Fact]
    [Trait("Conformance", "L34")]
    public async Task RunThreadSafe_Result_ComesToTheCallersThread()
    {
        using EventLoop loop = EventLoop.Start();
        Assert.Same(loop, await loop.RunThreadSafeAsync(async _ =>
        {
            await Task.Yield();
            return EventLoop.Current;
        }).WaitAsync(s_deadline));
        Assert.Null(EventLoop.Current);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Conformance", "L34")]
    public async Task RunThreadSafe_Failure_ComesToTheCaller(bool beforeTheFirstAwait)
    {
        using EventLoop loop = EventLoop.Start();
        Task failing = loop.RunThreadSafeAsync(beforeTheFirstAwait
            ? _ => throw new InvalidDataException("bad")
            : async _ =>
            {
                await Task.Yield();
                throw new InvalidDataException("bad");
            });
        await Assert.ThrowsAsync<InvalidDataException>(() => failing.WaitAsync(s_deadline));
    }

    [Fact]
    [Trait("Conformance", "L34")]
    public async Task RunThreadSafe_WaitThatTimesOut_LeavesTheTaskToBeCancelled()
    {
        using EventLoop loop = EventLoop.Start();
        using var cancellation = new CancellationTokenSource();
        Task pending = loop.RunThreadSafeAsync(token => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token), cancellationToken: cancellation.Token);
        await Assert.ThrowsAsync<TimeoutException>(() => pending.WaitAsync(TimeSpan.FromMilliseconds(1)));
        Assert.False(pending.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.WaitAsync(s_deadline));
    }

    [Fact]
    [Trait("Conformance", "L34")]
    public async Task RunThreadSafe_CancelledOnTheLoop_IsCancelledForTheCaller()
    {
        using EventLoop loop = EventLoop.Start();
        Task pending = loop.RunThreadSafeAsync(token =>
        {
            LoopTask.Current!.Cancel();
            return Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.WaitAsync(s_deadline));
    }

    [Fact]
    [Trait("Conformance", "L34")]
    public async Task RunThreadSafe_LoopThatCloses_DoesNotLeaveTheCallerWaiting()
    {
        EventLoop loop = EventLoop.Start(new EventLoopOptions { LoggerFactory = new LogLines() });
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task pending = loop.RunThreadSafeAsync(_ =>
        {
            begun.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, CancellationToken.None);
        });
        await begun.Task.WaitAsync(s_deadline);
        loop.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pending.WaitAsync(s_deadline));
    }

    [Fact]
    public async Task RunThreadSafe_Values_AreTheCallers()
    {
        using EventLoop loop = EventLoop.Start();
        var value = new AsyncLocal<string> { Value = "the caller's" };
        Assert.Equal("the caller's", await loop.RunThreadSafeAsync(_ => Task.FromResult(value.Value)).WaitAsync(s_deadline));
    }

    [Fact]
    public void CreateTask_FromAnotherThread_SaysWhatToUse()
    {
        using EventLoop loop = EventLoop.Start();
        Assert.Throws<InvalidOperationException>(() => loop.CreateTask(() => Task.CompletedTask));
    }
}
