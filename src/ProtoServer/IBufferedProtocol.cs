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
    /// <see cref="ITransport.ResumeReading"/> when the protocol paused reading. More than <see cref="ServerOptions.InputLimitBytes"/>
    /// left unconsumed ends the connection with a <see cref="ProtocolViolationException"/>.
    /// </returns>
    SequencePosition DataReceived(in ReadOnlySequence<byte> data);

    /// <summary>Not called on a buffered protocol.</summary>
    void IProtocol.DataReceived(ReadOnlySpan<byte> data) =>
        throw new InvalidOperationException("A buffered protocol is fed with sequences; call the ReadOnlySequence<byte> form of DataReceived.");
}
