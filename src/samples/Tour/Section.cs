namespace Tour;

/// <summary>One program of the tour.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Run">Prints what it does.</param>
internal sealed record Section(string Name, string Title, Action<TextWriter> Run)
{
    /// <summary>In the order in which they are best read.</summary>
    public static IReadOnlyList<Section> All { get; } =
    [
        new("subroutine", "a method is called, and returns", Subroutine.Run),
        new("call-stack", "each call is a frame on the stack", CallStack.Run),
        new("generator", "a generator pauses, and keeps its place", Generator.Run),
        new("awaited-in-turn", "await one, then the other", AwaitedInTurn.Run),
        new("two-tasks", "two tasks take turns", TwoTasks.Run),
        new("nobody-awaits", "tasks that nobody awaits run until main ends", NobodyAwaits.Run),
        new("sleep", "sleeping lets other tasks run", Sleep.Run),
        new("gather", "wait for several at once", Gather.Run),
        new("task-group", "tasks that end together", Grouped.Run),
        new("cancellation", "cancelling a task runs its finally", Cancellation.Run),
        new("context-manager", "a connection that is given back, whatever happens", BorrowedConnection.Run),
        new("async-iterator", "a cursor that fetches rows ahead", AsyncIterator.Run),
        new("async-generator", "a ticker in four lines, and why it cannot be awaited", AsyncGenerator.Run),
        new("generator-expression", "asynchronous queries, written in a synchronous method", GeneratorExpression.Run),
        new("protocol", "a server of one's own", CustomProtocol.Run),
        new("consumer", "iterate over the messages of a connection, for ever", Consumer.Run),
        new("blocking", "a task that blocks the loop, and how the metrics show it", Blocking.Run),
        new("long-running", "a task that runs for ever, until Ctrl-C", output => LongRunning.Run(output, TimeSpan.FromMilliseconds(200))) { EndsBySignal = true },
    ];

    /// <summary>Whether it runs until Ctrl-C: such a one is run by its name only.</summary>
    public bool EndsBySignal { get; init; }
}
