using System.Runtime.CompilerServices;
using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class AsyncGeneratorTests
{
    private static async IAsyncEnumerable<int> Count(List<string> log, string name = "", [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            for (int i = 0; ; i++)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                yield return i;
            }
        }
        finally
        {
            await Task.Yield();
            log.Add($"{name}closed on {(EventLoop.Current is null ? "another thread" : "the loop")}");
        }
    }

    private static async IAsyncEnumerable<int> FailOnClose()
    {
        try
        {
            yield return 1;
        }
        finally
        {
            await Task.Yield();
            OnLoop.Throw(new InvalidDataException("cleanup"));
        }
    }

    private static async IAsyncEnumerable<int> WaitFor(EventLoop loop, List<string> log, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, cancellationToken);
            yield return 1;
        }
        finally
        {
            log.Add("closed in the middle of a step");
        }
    }

    [Fact]
    [Trait("Conformance", "U10")]
    public void Shutdown_HalfIterated_RunsTheFinallyBlocks() => Run(async loop =>
    {
        List<string> log = [];
        IAsyncEnumerator<int> half = Count(log).OnLoop(loop).GetAsyncEnumerator();
        Assert.True(await half.MoveNextAsync());
        Assert.True(await half.MoveNextAsync());
        Assert.Equal(1, half.Current);
        await loop.ShutdownAsyncGeneratorsAsync();
        Assert.Equal(["closed on the loop"], log);
        Assert.False(await half.MoveNextAsync());
        GC.KeepAlive(half);
    });

    [Fact]
    [Trait("Conformance", "U10")]
    public void Shutdown_InTheMiddleOfAStep_CancelsTheStepFirst() => Run(async loop =>
    {
        List<string> log = [];
        IAsyncEnumerator<int> waiting = WaitFor(loop, log).OnLoop(loop).GetAsyncEnumerator();
        ValueTask<bool> step = waiting.MoveNextAsync();
        await loop.ShutdownAsyncGeneratorsAsync();
        Assert.Equal(["closed in the middle of a step"], log);
        await Fails<OperationCanceledException>(async () => await step);
        GC.KeepAlive(waiting);
    });

    [Fact]
    [Trait("Conformance", "U10")]
    public void Shutdown_OneThatFails_IsReportedAndTheOthersClosed()
    {
        List<string> log = [];
        List<LoopErrorContext> reports = Run(async loop =>
        {
            IAsyncEnumerator<int> failing = FailOnClose().OnLoop(loop).GetAsyncEnumerator();
            IAsyncEnumerator<int> other = Count(log).OnLoop(loop).GetAsyncEnumerator();
            await failing.MoveNextAsync();
            await other.MoveNextAsync();
            await loop.ShutdownAsyncGeneratorsAsync();
            GC.KeepAlive((failing, other));
        });
        Assert.Equal(["closed on the loop"], log);
        LoopErrorContext report = Assert.Single(reports);
        Assert.IsType<InvalidDataException>(report.Exception);
        Assert.Contains("AsyncGeneratorTests.FailOnClose", report.Message);
    }

    [Fact]
    [Trait("Conformance", "U10")]
    public void Run_AtItsEnd_ClosesWhatIsHalfIterated()
    {
        List<string> log = [];
        IAsyncEnumerator<int>? half = null;
        EventLoop.Run(async loop =>
        {
            half = Count(log).OnLoop(loop).GetAsyncEnumerator();
            await half.MoveNextAsync();
        });
        Assert.Equal(["closed on the loop"], log);
        GC.KeepAlive(half);
    }

    [Fact]
    public void AwaitForeach_LeftByBreak_ClosesAtOnce() => Run(async loop =>
    {
        List<string> log = [];
        await foreach (int number in Count(log).OnLoop(loop))
        {
            if (number == 2)
            {
                break;
            }
        }
        Assert.Equal(["closed on the loop"], log);
        await loop.ShutdownAsyncGeneratorsAsync();
        Assert.Single(log);
    });

    [Fact]
    public void Token_OfTheEnumeration_ReachesTheGenerator() => Run(async loop =>
    {
        List<string> log = [];
        using var cancellation = new CancellationTokenSource();
        await Fails<OperationCanceledException>(async () =>
        {
            await foreach (int number in Count(log).OnLoop(loop).WithCancellation(cancellation.Token))
            {
                cancellation.Cancel();
            }
        });
        Assert.Single(log);
    });

    [Fact]
    [Trait("Conformance", "U11")]
    public void Dropped_HalfIterated_IsClosedOnTheLoopAndWarnedOf()
    {
        using var log = new LogLines();
        List<string> closed = [];
        Run(
            async loop =>
            {
                await BeginAndDrop(loop);
                for (int i = 0; i < 100 && closed.Count == 0; i++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    await Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
                }
            },
            new EventLoopOptions { LoggerFactory = log });
        Assert.Equal(["closed on the loop"], closed);
        Assert.Contains(log.All, line => line.Contains("AsyncGeneratorTests.Count") && line.Contains("dropped"));

        [MethodImpl(MethodImplOptions.NoInlining)]
        async Task BeginAndDrop(EventLoop loop) => await Count(closed).OnLoop(loop).GetAsyncEnumerator().MoveNextAsync();
    }

    [Fact]
    [Trait("Conformance", "U11")]
    public void Begun_AfterTheShutdown_IsWarnedOf()
    {
        using var log = new LogLines();
        Run(
            async loop =>
            {
                await loop.ShutdownAsyncGeneratorsAsync();
                await foreach (int _ in Count([]).OnLoop(loop))
                {
                    break;
                }
            },
            new EventLoopOptions { LoggerFactory = log });
        Assert.Contains(log.All, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("AsyncGeneratorTests.Count"));
    }
}
