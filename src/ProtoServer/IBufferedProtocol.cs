using System.Buffers;

namespace ProtoServer;

/// <summary>A protocol that takes what it can use and leaves the rest with the transport: the base of every framing.</summary>
/// <remarks>Loop thread only. The same grammar as <see cref="IProtocol"/>, with the sequence form of <c>DataReceived</c> in place of the span form.</remarks>
public interface IBufferedProtocol : IProtocol
{
    /// <summary>Offers everything received and not yet consumed.</summary>
    /// <param name="data">The transport's own memory, never empty: it dies with the call.</param>
    /// <returns>
    /// The position up to which the bytes were consumed. What lies behind it is offered again with the next bytes, or at once after
    /// <see cref="ITransport.ResumeReading"/> when the protocol paused reading. More than <see cref="ConnectionOptions.InputLimitBytes"/>
    /// left unconsumed ends the connection with a <see cref="ProtocolViolationException"/>.
    /// </returns>
    SequencePosition DataReceived(in ReadOnlySequence<byte> data);

    /// <summary>The peer will send no more, and this much of what it sent is still unconsumed.</summary>
    /// <param name="unconsumed">What <c>DataReceived</c> was offered and left; often empty. The transport's own memory, offered for the last time.</param>
    /// <returns>As <see cref="IProtocol.EofReceived"/>, which this calls unless it is overridden.</returns>
    /// <remarks>Not called while reading is paused and bytes are unconsumed: they are offered to <c>DataReceived</c> first.</remarks>
    bool EofReceived(in ReadOnlySequence<byte> unconsumed) => EofReceived();

    /// <summary>Not called on a buffered protocol.</summary>
    void IProtocol.DataReceived(ReadOnlySpan<byte> data) =>
        throw new InvalidOperationException("A buffered protocol is fed with sequences; call the ReadOnlySequence<byte> form of DataReceived.");
}
