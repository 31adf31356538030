namespace ProtoServer;

/// <summary>A pipe writer that knows what the kernel has not taken yet, and whose marks can be set per connection. Loop thread only.</summary>
internal interface ISendQueue
{
    long UnsentBytes { get; }

    /// <summary>Why the connection was lost before all was sent; null while it lives and after a regular end.</summary>
    Exception? Error { get; }

    /// <summary>Sends what is written, where that is one system call away: the usual flush, without its <see cref="System.IO.Pipelines.FlushResult"/>.</summary>
    /// <returns>False where it takes a <see cref="System.IO.Pipelines.PipeWriter.FlushAsync"/>: to wait, or to be told that the connection is lost.</returns>
    bool TryFlush() => false;

    /// <summary>Flushes wait strictly above <paramref name="high"/> and go on at or below <paramref name="low"/>.</summary>
    void SetMarks(int high, int low);
}
