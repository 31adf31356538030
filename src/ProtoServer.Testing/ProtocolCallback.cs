namespace ProtoServer.Testing;

/// <summary>The callbacks of <see cref="IProtocol"/>.</summary>
public enum ProtocolCallback
{
    /// <summary><see cref="IProtocol.ConnectionMade"/>.</summary>
    ConnectionMade,

    /// <summary>Either form of <c>DataReceived</c>.</summary>
    DataReceived,

    /// <summary>Either form of <c>EofReceived</c>.</summary>
    EofReceived,

    /// <summary><see cref="IProtocol.PauseWriting"/>.</summary>
    PauseWriting,

    /// <summary><see cref="IProtocol.ResumeWriting"/>.</summary>
    ResumeWriting,

    /// <summary><see cref="IProtocol.ConnectionLost"/>.</summary>
    ConnectionLost,
}
