namespace ProtoServer.Testing;

/// <summary>A framing delivered something else than it must; the message holds what is needed to see it again.</summary>
public sealed class FramingVerificationException : Exception
{
    /// <summary>Says which bytes were cut how, what was expected and what came.</summary>
    public FramingVerificationException(string message) : base(message)
    {
    }

    /// <summary>Says which bytes were cut how, what was expected and what came, and what was thrown.</summary>
    public FramingVerificationException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>Says nothing: for serializers only.</summary>
    public FramingVerificationException()
    {
    }
}
