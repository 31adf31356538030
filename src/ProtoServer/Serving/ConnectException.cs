namespace ProtoServer;

/// <summary>A connection could not be made. The message lists each address that was tried, with its reason.</summary>
public sealed class ConnectException : IOException
{
    /// <summary>Says what could not be connected to, and why.</summary>
    public ConnectException(string message) : base(message)
    {
    }

    /// <summary>Says what could not be connected to, and which exception found it.</summary>
    public ConnectException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>Says nothing: for serializers only.</summary>
    public ConnectException()
    {
    }

    internal ConnectException(string message, IReadOnlyList<ConnectFailure> failures)
        : base(message, failures.Count == 1 ? failures[0].Error : failures.Count == 0 ? null : new AggregateException(failures.Select(static failure => failure.Error)))
    {
        Failures = failures;
    }

    /// <summary>The addresses that were tried, in that order; empty when the name could not be resolved.</summary>
    public IReadOnlyList<ConnectFailure> Failures { get; } = [];
}
