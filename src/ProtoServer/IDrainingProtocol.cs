namespace ProtoServer;

/// <summary>A protocol that wants to know that its server is shutting down: to say goodbye, or to finish work that is under way. Optional.</summary>
public interface IDrainingProtocol : IProtocol
{
    /// <summary>The server drains: it accepts no more, and closes each connection that has nothing more to say. Loop thread.</summary>
    /// <returns>
    /// <see langword="false"/>: close this connection as soon as everything received was handled and everything written was sent.
    /// <see langword="true"/>: the protocol calls <see cref="ITransport.Close"/> itself; at the end of the drain timeout it is aborted.
    /// </returns>
    bool DrainStarted();
}
