namespace ProtoServer.Tests.Tasks;

/// <summary>A test's body as the main coroutine of a loop, with a deadline, and with what the loop reported.</summary>
internal static class OnLoop
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    /// <summary>Runs the body; what the loop's exception handler was told comes back.</summary>
    public static List<LoopErrorContext> Run(Func<EventLoop, Task> body, EventLoopOptions? options = null)
    {
        using var loop = new EventLoop(options);
        var reports = new List<LoopErrorContext>();
        loop.ExceptionHandler = reports.Add;
        Run(loop, () => body(loop));
        return reports;
    }

    /// <summary>The same on a loop that the test owns.</summary>
    public static void Run(EventLoop loop, Func<Task> body)
    {
        CallHandle deadline = loop.CallLater(s_deadline, () => throw new LoopAbortException($"The test did not end within {s_deadline}.\n{loop.DumpTasks()}"));
        loop.RunUntilComplete(body);
        deadline.Cancel();
    }

    /// <summary>Lets the loop go round that many times.</summary>
    public static async Task Turns(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await Task.Yield();
        }
    }

    /// <summary>Fails inside a finally block, as cleanup does now and then.</summary>
    public static void Throw(Exception exception) => throw exception;

    /// <summary>The exception that a task of the test ends with.</summary>
    public static async Task<TException> Fails<TException>(Func<Task> body) where TException : Exception => await Assert.ThrowsAnyAsync<TException>(body);
}
