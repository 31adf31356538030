namespace ProtoServer;

/// <summary>The peer broke the protocol: a line too long, a bad length, an EOF inside a frame. Logged at Debug only: a peer must not fill the log.</summary>
public sealed class ProtocolViolationException : Exception
{
    /// <summary>Says what the peer did.</summary>
    public ProtocolViolationException(string message) : base(message)
    {
    }

    /// <summary>Says what the peer did, and which exception found it.</summary>
    public ProtocolViolationException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>Says nothing: for serializers only.</summary>
    public ProtocolViolationException()
    {
    }
}
