namespace ProtoServer;

/// <summary>What the loop does with <see cref="AsyncLocal{T}"/> values: a server and a task take them along once, where they are created, and a callback leaves none behind.</summary>
internal static class CallContext
{
    /// <summary>The scope of tasks that a flow runs in. Kept here, so that <see cref="Capture"/> can leave it out: what a server calls back is no part of the task that made it.</summary>
    public static AsyncLocal<object?> TaskScope { get; } = new();

    /// <summary>The caller's values, without the task that it is. The runtime's shared default object when there are none, which is what makes comparing references enough.</summary>
    public static ExecutionContext? Capture()
    {
        if (TaskScope.Value is not { } scope)
        {
            return ExecutionContext.Capture();
        }
        TaskScope.Value = null;
        ExecutionContext? captured = ExecutionContext.Capture();
        TaskScope.Value = scope;
        return captured;
    }

    /// <summary>Gives the thread <paramref name="context"/> back after user code ran on it; costs a comparison when nothing was changed.</summary>
    public static void Restore(ExecutionContext? context)
    {
        if (context is not null && ExecutionContext.Capture() != context)
        {
            ExecutionContext.Restore(context);
        }
    }
}
