namespace ProtoServer;

/// <summary>What a flow of awaits runs in: a task, and inside it perhaps a group's or a timeout's body with a token of its own.</summary>
internal sealed record TaskScope(LoopTask? Task, CancellationToken Token)
{
    private static readonly TaskScope s_outside = new(null, CancellationToken.None);

    public static TaskScope Current => CallContext.TaskScope.Value as TaskScope ?? s_outside;

    /// <summary>Enters the scope; call it in an async method, whose end leaves it.</summary>
    public void Enter() => CallContext.TaskScope.Value = this;
}
