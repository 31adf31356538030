using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class TimeoutScopeTests
{
    private static Task Never(EventLoop loop, CancellationToken token) => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);

    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    [InlineData(-5)]
    [Trait("Conformance", "G19")]
    [Trait("Conformance", "G20")]
    public void Timeout_ThatPasses_IsATimeoutException(int milliseconds) => Run(async loop =>
    {
        TimeoutScope? seen = null;
        TimeoutException exception = await Fails<TimeoutException>(() => TimeoutScope.RunAsync(TimeSpan.FromMilliseconds(milliseconds), scope =>
        {
            seen = scope;
            return Never(loop, scope.CancellationToken);
        }));
        Assert.IsAssignableFrom<OperationCanceledException>(exception.InnerException);
        Assert.True(seen!.IsExpired);
    });

    [Fact]
    [Trait("Conformance", "G20")]
    public void Timeout_OfZero_LetsTheBodyGetToItsFirstWait() => Run(async loop =>
    {
        bool began = false;
        await Fails<TimeoutException>(() => TimeoutScope.RunAsync(TimeSpan.Zero, scope =>
        {
            began = true;
            Assert.False(scope.CancellationToken.IsCancellationRequested);
            return Never(loop, scope.CancellationToken);
        }));
        Assert.True(began);
    });

    [Fact]
    [Trait("Conformance", "G20")]
    public void Timeout_BodyThatIsInTime_LeavesNoTimer() => Run(async loop =>
    {
        int before = loop.TimerCount;
        Assert.Equal("in time", await TimeoutScope.RunAsync(TimeSpan.FromHours(1), _ => Task.FromResult("in time")));
        CallHandle[] enough = [.. Enumerable.Range(0, 200).Select(_ => loop.CallLater(TimeSpan.FromHours(2), () => { }))];
        Array.ForEach(enough, handle => handle.Cancel());
        Assert.InRange(loop.TimerCount, 0, before + 101);
    });

    [Fact]
    [Trait("Conformance", "G19")]
    public void Timeout_CancelledFromOutside_StaysACancellation() => Run(async loop =>
    {
        LoopTask task = loop.CreateTask(() => TimeoutScope.RunAsync(TimeSpan.FromHours(1), scope => Never(loop, scope.CancellationToken)));
        await Turns(3);
        task.Cancel();
        await Fails<OperationCanceledException>(async () => await task);
        Assert.True(task.IsCancelled);
    });

    [Theory]
    [InlineData(1, 60_000, "outer", false)]
    [InlineData(60_000, 1, "inner", true)]
    [Trait("Conformance", "G19")]
    public void Timeouts_Nested_ResolveToTheOneThatExpired(int outerMilliseconds, int innerMilliseconds, string expected, bool innerCaught) => Run(async loop =>
    {
        string? who = null;
        bool caught = false;
        try
        {
            await TimeoutScope.RunAsync(TimeSpan.FromMilliseconds(outerMilliseconds), async _ =>
            {
                try
                {
                    await TimeoutScope.RunAsync(TimeSpan.FromMilliseconds(innerMilliseconds), inner => Never(loop, inner.CancellationToken));
                }
                catch (TimeoutException)
                {
                    caught = true;
                    who = "inner";
                }
            });
        }
        catch (TimeoutException)
        {
            who = "outer";
        }
        Assert.Equal(expected, who);
        Assert.Equal(innerCaught, caught);
    });

    [Fact]
    [Trait("Conformance", "G19")]
    public void Timeouts_WithTheSameDeadline_OnlyTheOutermostRaises() => Run(async loop =>
    {
        bool innerRaised = false;
        await Fails<TimeoutException>(() => TimeoutScope.RunAsync(TimeSpan.FromMilliseconds(2), async outer =>
        {
            try
            {
                await TimeoutScope.RunAsync(
                    TimeSpan.FromHours(1),
                    inner =>
                    {
                        inner.Reschedule(outer.When);
                        return Never(loop, inner.CancellationToken);
                    });
            }
            catch (TimeoutException)
            {
                innerRaised = true;
            }
        }));
        Assert.False(innerRaised);
    });

    [Fact]
    [Trait("Conformance", "G20")]
    public void Reschedule_LaterSoonerAndOff_MovesTheDeadline() => Run(async loop =>
    {
        await TimeoutScope.RunAsync(TimeSpan.Zero, async scope =>
        {
            scope.Reschedule(null);
            Assert.Null(scope.When);
            await Task.Delay(TimeSpan.FromMilliseconds(2), loop.TimeProvider, scope.CancellationToken);
            Assert.False(scope.IsExpired);
        });
        TimeoutScope? kept = null;
        await Fails<TimeoutException>(() => TimeoutScope.RunAsync(Timeout.InfiniteTimeSpan, scope =>
        {
            kept = scope;
            Assert.Null(scope.When);
            scope.Reschedule(loop.Time - TimeSpan.FromSeconds(1));
            return Never(loop, scope.CancellationToken);
        }));
        Assert.Throws<InvalidOperationException>(() => kept!.Reschedule(null));
    });

    [Fact]
    [Trait("Conformance", "G21")]
    public void Timeout_BodyThatFailsOtherwise_KeepsItsException() => Run(async loop =>
    {
        TimeoutScope? seen = null;
        InvalidDataException exception = await Fails<InvalidDataException>(() => TimeoutScope.RunAsync(TimeSpan.Zero, async scope =>
        {
            seen = scope;
            try
            {
                await Never(loop, scope.CancellationToken);
            }
            catch (OperationCanceledException cancelled)
            {
                throw new InvalidDataException("half a record", cancelled);
            }
        }));
        Assert.True(seen!.IsExpired);
        Assert.IsAssignableFrom<OperationCanceledException>(exception.InnerException);
    });
}
