namespace ProtoServer;

/// <summary>One pipe operation after the other, awaited with one delegate: for those that do not end at once. Loop thread only.</summary>
internal sealed class PendingOperation<TResult>
{
    private readonly Action _onCompleted;
    private ValueTask<TResult> _task;

    /// <summary>Calls <paramref name="ended"/> at the end of each operation; it takes the result.</summary>
    public PendingOperation(Action ended) => _onCompleted = ended;

    public bool IsPending { get; private set; }

    public void Await(ValueTask<TResult> task)
    {
        IsPending = true;
        _task = task;
        task.GetAwaiter().UnsafeOnCompleted(_onCompleted);
    }

    /// <summary>The result of the operation that ended, or its exception.</summary>
    public TResult Take()
    {
        ValueTask<TResult> task = _task;
        _task = default;
        IsPending = false;
        return task.GetAwaiter().GetResult();
    }
}
