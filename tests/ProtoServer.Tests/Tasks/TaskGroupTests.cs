using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class TaskGroupTests
{
    private static Task Never(EventLoop loop, CancellationToken token) => Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);

    [Fact]
    [Trait("Conformance", "G11")]
    public void Group_ThatSucceeds_WaitsForAll() => Run(async loop =>
    {
        LoopTask<int>? first = null;
        LoopTask<int>? second = null;
        await TaskGroup.RunAsync(group =>
        {
            first = group.CreateTask(async token =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(3), loop.TimeProvider, token);
                return 1;
            });
            second = group.CreateTask(() => Task.FromResult(2));
            return Task.CompletedTask;
        });
        Assert.True(first!.IsCompleted);
        Assert.Equal(3, await first + await second!);
    });

    [Fact]
    [Trait("Conformance", "G11")]
    public void Group_WhoseChildFails_CancelsTheOthersAndTellsEveryFailure()
    {
        List<string> cancelled = [];
        List<LoopErrorContext> reports = Run(async loop =>
        {
            AggregateException failures = await Fails<AggregateException>(() => TaskGroup.RunAsync(async group =>
            {
                _ = group.CreateTask(async token =>
                {
                    try
                    {
                        await Never(loop, token);
                    }
                    catch (OperationCanceledException)
                    {
                        cancelled.Add("sibling");
                        throw;
                    }
                });
                _ = group.CreateTask(async token =>
                {
                    try
                    {
                        await Never(loop, token);
                    }
                    finally
                    {
                        OnLoop.Throw(new InvalidDataException("in cleanup"));
                    }
                });
                _ = group.CreateTask(async () =>
                {
                    await Task.Yield();
                    throw new TimeoutException("first");
                });
                try
                {
                    await Never(loop, group.CancellationToken);
                }
                catch (OperationCanceledException)
                {
                    cancelled.Add("body");
                    throw;
                }
            }));
            Assert.Equal(["first", "in cleanup"], failures.InnerExceptions.Select(failure => failure.Message));
        });
        Assert.Equal(["body", "sibling"], cancelled.Order());
        Assert.Empty(reports);
    }

    [Fact]
    public void Group_WhoseChildIsCancelledAlone_GoesOn() => Run(async loop =>
    {
        bool ended = false;
        await TaskGroup.RunAsync(async group =>
        {
            LoopTask child = group.CreateTask(token => Never(loop, token));
            LoopTask other = group.CreateTask(async () =>
            {
                await Turns(5);
                ended = true;
            });
            await Turns(2);
            child.Cancel();
            await other;
        });
        Assert.True(ended);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Conformance", "G12")]
    public void Group_CancelledFromOutside_CancelsItsChildrenAndIsCancelled(bool inBody) => Run(async loop =>
    {
        LoopTask? child = null;
        LoopTask outer = loop.CreateTask(() => TaskGroup.RunAsync(async group =>
        {
            child = group.CreateTask(token => Never(loop, token));
            if (inBody)
            {
                await Never(loop, group.CancellationToken);
            }
        }));
        await Turns(4);
        outer.Cancel();
        await Fails<OperationCanceledException>(async () => await outer);
        Assert.True(outer.IsCancelled);
        Assert.True(child!.IsCancelled);
    });

    [Fact]
    [Trait("Conformance", "G12")]
    public void Group_CancelledFromOutside_WhoseChildFails_TellsTheFailure() => Run(async loop =>
    {
        LoopTask outer = loop.CreateTask(() => TaskGroup.RunAsync(group =>
        {
            _ = group.CreateTask(async token =>
            {
                try
                {
                    await Never(loop, token);
                }
                finally
                {
                    OnLoop.Throw(new InvalidDataException("in cleanup"));
                }
            });
            return Task.CompletedTask;
        }));
        await Turns(4);
        outer.Cancel();
        AggregateException failures = await Fails<AggregateException>(async () => await outer);
        Assert.IsType<InvalidDataException>(Assert.Single(failures.InnerExceptions));
    });

    [Fact]
    [Trait("Conformance", "G13")]
    public void Group_WhoseBodyFails_CancelsItsChildren() => Run(async loop =>
    {
        LoopTask? child = null;
        AggregateException failures = await Fails<AggregateException>(() => TaskGroup.RunAsync(async group =>
        {
            child = group.CreateTask(token => Never(loop, token));
            await Turns(2);
            throw new InvalidDataException("body");
        }));
        Assert.IsType<InvalidDataException>(Assert.Single(failures.InnerExceptions));
        Assert.True(child!.IsCancelled);
    });

    [Fact]
    [Trait("Conformance", "G14")]
    public void CreateTask_WhenTheGroupHasFinished_ThrowsAndCallsNothing() => Run(async loop =>
    {
        TaskGroup? kept = null;
        await TaskGroup.RunAsync(group =>
        {
            kept = group;
            return Task.CompletedTask;
        });
        bool called = false;
        Assert.Throws<InvalidOperationException>(() => kept!.CreateTask(() =>
        {
            called = true;
            return Task.CompletedTask;
        }));
        await Turns(3);
        Assert.False(called);
        Assert.Empty(loop.Tasks);
    });

    [Fact]
    [Trait("Conformance", "G14")]
    public void CreateTask_WhileTheGroupIsCancelled_ThrowsAndCallsNothing() => Run(async loop =>
    {
        bool called = false;
        AggregateException failures = await Fails<AggregateException>(() => TaskGroup.RunAsync(async group =>
        {
            _ = group.CreateTask(() => throw new InvalidDataException("first"));
            await Turns(4);
            _ = group.CreateTask(() =>
            {
                called = true;
                return Task.CompletedTask;
            });
        }));
        Assert.Equal(2, failures.InnerExceptions.Count);
        Assert.Contains(failures.InnerExceptions, failure => failure is InvalidOperationException);
        Assert.False(called);
    });

    [Fact]
    [Trait("Conformance", "G14")]
    public async Task RunAsync_OffTheLoop_Throws() => await Assert.ThrowsAsync<InvalidOperationException>(() => TaskGroup.RunAsync(_ => Task.CompletedTask));

    [Fact]
    [Trait("Conformance", "G15")]
    public void Group_InsideAnother_ThatFails_LeavesTheOuterUncancelled() => Run(async loop =>
    {
        await TaskGroup.RunAsync(async outer =>
        {
            await Fails<AggregateException>(() => TaskGroup.RunAsync(inner =>
            {
                _ = inner.CreateTask(() => throw new InvalidDataException("inner"));
                return Task.CompletedTask;
            }));
            Assert.False(outer.CancellationToken.IsCancellationRequested);
            await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider, outer.CancellationToken);
        });
    });

    [Fact]
    [Trait("Conformance", "G15")]
    public void Group_InsideAnother_BothFailing_TellsBoth() => Run(async loop =>
    {
        AggregateException failures = await Fails<AggregateException>(() => TaskGroup.RunAsync(async outer =>
        {
            _ = outer.CreateTask(async token =>
            {
                try
                {
                    await Never(loop, token);
                }
                finally
                {
                    OnLoop.Throw(new TimeoutException("outer child"));
                }
            });
            await TaskGroup.RunAsync(inner =>
            {
                _ = inner.CreateTask(async () =>
                {
                    await Turns(3);
                    throw new InvalidDataException("inner");
                });
                return Task.CompletedTask;
            });
        }));
        Assert.Equal(["inner", "outer child"], failures.Flatten().InnerExceptions.Select(failure => failure.Message).Order());
    });

    [Fact]
    [Trait("Conformance", "G15")]
    public void Group_InsideAnother_IsCancelledWithTheOuter() => Run(async loop =>
    {
        LoopTask? innermost = null;
        AggregateException failures = await Fails<AggregateException>(() => TaskGroup.RunAsync(async outer =>
        {
            _ = outer.CreateTask(async () =>
            {
                await Turns(5);
                throw new InvalidDataException("outer child");
            });
            await TaskGroup.RunAsync(inner =>
            {
                innermost = inner.CreateTask(token => Never(loop, token));
                return Task.CompletedTask;
            });
        }));
        Assert.Equal("outer child", Assert.Single(failures.InnerExceptions).Message);
        Assert.True(innermost!.IsCancelled);
    });

    [Fact]
    [Trait("Conformance", "G8")]
    public void Scopes_ThatCancelTheirOwn_LeaveTheTaskUncancelled() => Run(async loop => await loop.CreateTask(async token =>
    {
        await Fails<AggregateException>(() => TaskGroup.RunAsync(group =>
        {
            _ = group.CreateTask(() => throw new InvalidDataException());
            return Never(loop, group.CancellationToken);
        }));
        await Fails<TimeoutException>(() => TimeoutScope.RunAsync(TimeSpan.Zero, scope => Never(loop, scope.CancellationToken)));
        Assert.Equal(0, LoopTask.Current!.CancelCount);
        Assert.False(token.IsCancellationRequested);
        await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider, token);
    }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Conformance", "G17")]
    public void ChildOfAChild_IsWaitedForAndCancelledWithTheGroup(bool fails) => Run(async loop =>
    {
        LoopTask? grandchild = null;
        Task run = TaskGroup.RunAsync(group =>
        {
            _ = group.CreateTask(async () =>
            {
                await Task.Yield();
                grandchild = group.CreateTask(token => Task.Delay(fails ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(3), loop.TimeProvider, token));
                if (fails)
                {
                    throw new InvalidDataException("parent");
                }
            });
            return Task.CompletedTask;
        });
        if (fails)
        {
            await Fails<AggregateException>(() => run);
            Assert.True(grandchild!.IsCancelled);
        }
        else
        {
            await run;
            Assert.True(grandchild!.IsCompleted);
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Conformance", "G18")]
    public void Cancel_OfTheGroup_EndsItEarlyWithoutAnError(bool fromAnEagerChild) => Run(async loop =>
    {
        LoopTask? child = null;
        bool bodyWentOn = false;
        await TaskGroup.RunAsync(async group =>
        {
            child = group.CreateTask(token => Never(loop, token));
            _ = group.CreateTask(
                () =>
                {
                    group.Cancel();
                    return Task.CompletedTask;
                },
                eagerStart: fromAnEagerChild);
            await Never(loop, group.CancellationToken);
            bodyWentOn = true;
        });
        Assert.True(child!.IsCancelled);
        Assert.False(bodyWentOn);
    });

    [Fact]
    [Trait("Conformance", "G18")]
    public void Cancel_OfAGroupThatThenFails_StillTellsTheFailure() => Run(async loop =>
    {
        AggregateException failures = await Fails<AggregateException>(() => TaskGroup.RunAsync(group =>
        {
            _ = group.CreateTask(async token =>
            {
                try
                {
                    await Never(loop, token);
                }
                finally
                {
                    OnLoop.Throw(new InvalidDataException("in cleanup"));
                }
            });
            loop.CallLater(TimeSpan.FromMilliseconds(1), group.Cancel);
            return Task.CompletedTask;
        }));
        Assert.Single(failures.InnerExceptions);
    });
}
