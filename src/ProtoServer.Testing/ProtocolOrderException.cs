namespace ProtoServer.Testing;

/// <summary>A transport called a protocol in an order that <see cref="IProtocol"/> does not allow.</summary>
public sealed class ProtocolOrderException : Exception
{
    /// <summary>Says which callback came when.</summary>
    public ProtocolOrderException(string message) : base(message)
    {
    }

    /// <summary>Says which callback came when, and why.</summary>
    public ProtocolOrderException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>Says nothing: for serializers only.</summary>
    public ProtocolOrderException()
    {
    }
}
