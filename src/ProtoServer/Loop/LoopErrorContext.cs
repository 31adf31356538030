namespace ProtoServer;

/// <summary>What <see cref="EventLoop.ExceptionHandler"/> is told about an exception that nobody else handles.</summary>
public sealed class LoopErrorContext
{
    internal LoopErrorContext(string message, Exception exception, string? callback, object? source)
    {
        Message = message;
        Exception = exception;
        Callback = callback;
        Source = source;
    }

    /// <summary>What happened, for a log line.</summary>
    public string Message { get; }

    /// <summary>The exception.</summary>
    public Exception Exception { get; }

    /// <summary>The callback that threw, such as <c>ShoutProtocol.DataReceived</c>; null when no callback did.</summary>
    public string? Callback { get; }

    /// <summary>Where it happened: a <see cref="CallHandle"/>, an <c>ITransport</c>, a <c>Server</c>, a task; or null.</summary>
    public object? Source { get; }
}
