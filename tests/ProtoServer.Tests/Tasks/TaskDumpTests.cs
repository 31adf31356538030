using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class TaskDumpTests
{
    private static async Task Album(EventLoop loop, CancellationToken token) => await Play(loop, token);

    private static async Task Play(EventLoop loop, CancellationToken token) => await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, token);

    [Fact]
    [Trait("Conformance", "G29")]
    public void Dump_OfAGroup_IsTheTreeOfWhatEachWaitsFor() => Run(
        async loop =>
        {
            LoopTask outer = loop.CreateTask(
                async () => await TaskGroup.RunAsync(group =>
                {
                    _ = group.CreateTask(token => Album(loop, token), "Sundowning");
                    _ = group.CreateTask(token => Play(loop, token), "TNDNBTG");
                    return Task.CompletedTask;
                }),
                "player");
            await Turns(5);
            string dump = loop.DumpTasks();
            outer.Cancel();
            await Fails<OperationCanceledException>(async () => await outer);
            Assert.Equal(
                """
                pstree: 3 tasks
                (T) player
                └── TaskDumpTests.Dump_OfAGroup_IsTheTreeOfWhatEachWaitsFor lambda
                    └── TaskGroup.RunAsync
                        └── TaskGroup.RunBodyAsync
                            ├── (T) Sundowning
                            │   └── TaskDumpTests.Album
                            │       └── TaskDumpTests.Play
                            │           └── Task.Delay
                            └── (T) TNDNBTG
                                └── TaskDumpTests.Play
                                    └── Task.Delay

                """,
                dump,
                ignoreLineEndingDifferences: true);
        },
        new EventLoopOptions { Name = "pstree" });

    [Fact]
    [Trait("Conformance", "G29")]
    public void Dump_OfGatherShieldAndTimeout_NamesThem() => Run(
        async loop =>
        {
            var go = new TaskCompletionSource();
            LoopTask inner = loop.CreateTask(() => go.Task, "inner");
            LoopTask gather = loop.CreateTask(async () => await Task.WhenAll(inner.Task, go.Task), "gather");
            LoopTask shield = loop.CreateTask(async token => await inner.Task.WaitAsync(TimeSpan.FromHours(1), loop.TimeProvider, token), "shield");
            LoopTask fresh = loop.CreateTask(() => Task.CompletedTask, "fresh");
            await Turns(1);
            LoopTask late = loop.CreateTask(() => Task.CompletedTask, "late");
            string dump = loop.DumpTasks();
            go.SetResult();
            await Task.WhenAll(gather.Task, shield.Task, fresh.Task, late.Task);
            Assert.Contains("└── Task.WhenAll", dump);
            Assert.Contains("└── (T) inner", dump);
            Assert.Contains("└── Task.WaitAsync", dump);
            Assert.Contains("(T) inner (above)", dump);
            Assert.Contains("(T) late (not begun)", dump);
        });

    [Fact]
    [Trait("Conformance", "G29")]
    public void Dump_OfTasksThatWaitForOneAnother_Ends() => Run(async loop =>
    {
        LoopTask? first = null;
        LoopTask? second = null;
        first = loop.CreateTask(async token => await second!.Task.WaitAsync(token), "first");
        second = loop.CreateTask(async token => await first.Task.WaitAsync(token), "second");
        await Turns(3);
        string dump = loop.DumpTasks();
        first.Cancel();
        await Fails<OperationCanceledException>(async () => await second);
        Assert.Contains("(T) first (above)", dump);
    });

    [Fact]
    public void Dump_WhileTheLoopHangs_IsTakenFromAnotherThread()
    {
        string? dump = null;
        Run(async loop =>
        {
            LoopTask waiting = loop.CreateTask(token => Play(loop, token), "waiting");
            await Turns(3);
            var reader = new Thread(() => dump = loop.DumpTasks());
            reader.Start();
            reader.Join();
            waiting.Cancel();
            await Fails<OperationCanceledException>(async () => await waiting);
        });
        Assert.Contains("(T) waiting\n└── TaskDumpTests.Play\n    └── Task.Delay\n", dump);
    }
}
