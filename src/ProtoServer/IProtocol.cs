namespace ProtoServer;

/// <summary>
/// What a connection says and hears: one object per connection, made by the factory that was given to <c>CreateServer</c>.
/// <code>ConnectionMade (DataReceived)* [EofReceived] ConnectionLost</code>
/// <see cref="PauseWriting"/> and <see cref="ResumeWriting"/> alternate in between, the first of them being a pause.
/// </summary>
/// <remarks>
/// Loop thread only: two callbacks never overlap, so a protocol needs no lock. <see cref="ConnectionLost"/> comes exactly once,
/// also after <see cref="ITransport.Abort"/> and also when <see cref="ConnectionMade"/> threw; no callback follows it.
/// An exception from a callback is reported to <see cref="EventLoop.ExceptionHandler"/> and aborts this connection only.
/// Source: <see href="https://docs.python.org/3/library/asyncio-protocol.html">asyncio, Transports and Protocols</see>.
/// </remarks>
public interface IProtocol
{
    /// <summary>The connection is up; <paramref name="transport"/> is its sending half and its handle.</summary>
    /// <param name="transport">Valid until <see cref="ConnectionLost"/> returns; harmless, but without effect, afterwards.</param>
    void ConnectionMade(ITransport transport);

    /// <summary>Some bytes arrived, at least one, cut wherever the network cut them.</summary>
    /// <param name="data">The transport's own memory: it dies with the call. Copy what you keep.</param>
    void DataReceived(ReadOnlySpan<byte> data);

    /// <summary>The peer will send no more.</summary>
    /// <returns>
    /// <see langword="false"/> (the default) flushes what was written and closes; <see langword="true"/> keeps the writing half open
    /// until <see cref="ITransport.Close"/>.
    /// </returns>
    bool EofReceived() => false;

    /// <summary>More than the high-water mark waits to be sent: stop writing until <see cref="ResumeWriting"/>.</summary>
    /// <remarks>Called inside the <see cref="ITransport.Write(ReadOnlySpan{byte})"/> that crossed the mark.</remarks>
    void PauseWriting()
    {
    }

    /// <summary>The queue has drained to the low-water mark or below: writing is welcome again.</summary>
    void ResumeWriting()
    {
    }

    /// <summary>The connection is over.</summary>
    /// <param name="exception">
    /// <see langword="null"/> after a regular end (EOF, <see cref="ITransport.Close"/>, <see cref="ITransport.Abort"/>); otherwise what ended it:
    /// <see cref="Microsoft.AspNetCore.Connections.ConnectionResetException"/> and other <see cref="IOException"/>s for the network,
    /// <see cref="ProtocolViolationException"/> for the peer, <see cref="TimeoutException"/> for a deadline, or the exception that a callback threw.
    /// </param>
    void ConnectionLost(Exception? exception);
}
