namespace ProtoServer;

/// <summary>A connection that <see cref="ConnectionDeadlines"/> watches. Loop thread only.</summary>
internal interface IWatchedConnection
{
    EventLoop Loop { get; }

    /// <summary>What the kernel has not taken yet.</summary>
    long WriteBufferSize { get; }

    /// <summary>A deadline has passed: the connection is to end, dropping what is queued if <paramref name="abort"/>.</summary>
    void DeadlineMissed(TimeoutException missed, bool abort);
}
