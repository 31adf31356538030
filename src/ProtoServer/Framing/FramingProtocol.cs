using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace ProtoServer;

/// <summary>
/// What every framing shares: the transport, the hooks, flow control, and the rule when delivery stops in the middle of a buffer.
/// Derive from <see cref="LineProtocol"/>, <see cref="DelimitedProtocol"/>, <see cref="LengthPrefixedProtocol"/> or <see cref="MessageProtocol{T}"/>;
/// derive from this one for a grammar that none of them fits.
/// </summary>
/// <remarks>
/// Loop thread only. Flow control is on by default: while the peer does not read our answers, we do not read its requests, and what is already
/// received stays with the transport, so that a peer can never make us hold more than the transport's limits. Once a framing's connection was
/// handed to another protocol by <see cref="ITransport.Protocol"/>, it is not handed back; make a new framing.
/// </remarks>
public abstract class FramingProtocol : IBufferedProtocol
{
    private ITransport? _transport;
    private IProtocol? _receiver;
    private bool _wasReading;
    private bool _pausedByWriting;
    private bool _pausedByUser;

    /// <summary>The connection.</summary>
    /// <exception cref="InvalidOperationException">Before <see cref="ConnectionMade"/>.</exception>
    protected ITransport Transport => _transport ??
        throw new InvalidOperationException("There is no transport before ConnectionMade; use it from there on.");

    /// <summary>
    /// False as soon as delivery must stop: reading was paused, the transport is closing, or the connection was handed to another protocol.
    /// </summary>
    /// <remarks>Ask after each frame that is delivered out of one <see cref="Deliver"/>.</remarks>
    protected bool MayDeliver
    {
        get
        {
            ITransport transport = _transport!;

            // IsReading alone says all but one thing: after the peer's EOF it may be false although what came before the EOF is still being delivered.
            bool reading = _wasReading ? transport.IsReading : !(transport.IsClosing || _pausedByUser || _pausedByWriting);
            return reading && ReferenceEquals(transport.Protocol, _receiver);
        }
    }

    void IProtocol.ConnectionMade(ITransport transport)
    {
        ArgumentNullException.ThrowIfNull(transport);
        _transport = transport;
        ConnectionMade();
    }

    SequencePosition IBufferedProtocol.DataReceived(in ReadOnlySequence<byte> data)
    {
        StartDelivery();
        return Deliver(data);
    }

    bool IProtocol.EofReceived() => EofReceived();

    bool IBufferedProtocol.EofReceived(in ReadOnlySequence<byte> unconsumed)
    {
        if (!unconsumed.IsEmpty)
        {
            StartDelivery();
            EndInsideFrame(unconsumed);
        }

        return EofReceived();
    }

    void IProtocol.PauseWriting() => PauseWriting();

    void IProtocol.ResumeWriting() => ResumeWriting();

    void IProtocol.ConnectionLost(Exception? exception) => ConnectionLost(exception);

    /// <summary>Delivers the whole frames at the start of <paramref name="data"/>, until <see cref="MayDeliver"/> is false.</summary>
    /// <param name="data">Everything unconsumed, never empty. The transport's memory: it dies with the call.</param>
    /// <returns>The position behind the last frame delivered; the transport keeps what follows and offers it again.</returns>
    protected abstract SequencePosition Deliver(in ReadOnlySequence<byte> data);

    /// <summary>The peer ended its half inside a frame. The default says so by <see cref="Violate"/>.</summary>
    /// <param name="unconsumed">The beginning of the frame, never empty. The transport's memory: it dies with the call.</param>
    protected virtual void EndInsideFrame(in ReadOnlySequence<byte> unconsumed) => Violate("EOF inside a frame");

    /// <summary>The connection is up: <see cref="Transport"/> may be used from here on.</summary>
    protected virtual void ConnectionMade()
    {
    }

    /// <inheritdoc cref="IProtocol.EofReceived"/>
    /// <remarks>Comes after everything that was received was delivered.</remarks>
    protected virtual bool EofReceived() => false;

    /// <inheritdoc cref="IProtocol.ConnectionLost"/>
    protected virtual void ConnectionLost(Exception? exception)
    {
    }

    /// <inheritdoc cref="IProtocol.PauseWriting"/>
    /// <remarks>Pauses reading. An override that does not call the base takes the flow control of this connection on itself.</remarks>
    protected virtual void PauseWriting()
    {
        _pausedByWriting = true;
        Transport.PauseReading();
    }

    /// <inheritdoc cref="IProtocol.ResumeWriting"/>
    /// <remarks>Resumes the reading that <see cref="PauseWriting"/> paused, unless <see cref="PauseReading"/> still holds it.</remarks>
    protected virtual void ResumeWriting()
    {
        _pausedByWriting = false;
        ResumeIfNoneHolds();
    }

    /// <summary>Stops delivery, also in the middle of a buffer, until <see cref="ResumeReading"/>. A second call does nothing.</summary>
    /// <remarks>
    /// Use this instead of <see cref="ITransport.PauseReading"/>: it composes with the flow control, which has a pause of its own
    /// and would undo one that it does not know of.
    /// </remarks>
    protected void PauseReading()
    {
        _pausedByUser = true;
        Transport.PauseReading();
    }

    /// <summary>Undoes <see cref="PauseReading"/>; what is waiting follows in a later callback, once the peer reads too.</summary>
    protected void ResumeReading()
    {
        _pausedByUser = false;
        ResumeIfNoneHolds();
    }

    /// <summary>
    /// The framing found the peer breaking the protocol: a frame too long, a bad length, an EOF inside a frame. The last moment to answer.
    /// </summary>
    /// <param name="violation">Thrown when this returns: what was written is flushed, then the connection closes. Its message is fit for the peer's eyes.</param>
    protected virtual void ProtocolViolated(ProtocolViolationException violation)
    {
    }

    /// <summary>Ends the connection by the peer's fault: lets <see cref="ProtocolViolated"/> answer, then throws.</summary>
    /// <param name="message">What the peer did, in words fit for its eyes: a sentence without line breaks.</param>
    /// <param name="innerException">What found it, if an exception did.</param>
    /// <exception cref="ProtocolViolationException">Always.</exception>
    [DoesNotReturn]
    protected void Violate(string message, Exception? innerException = null)
    {
        ProtocolViolationException violation = new(message, innerException);
        ProtocolViolated(violation);
        throw violation;
    }

    private void StartDelivery()
    {
        ITransport transport = _transport!;
        _wasReading = transport.IsReading;

        // Not "this": a decorator around a framing is the transport's protocol then, and must not look like a hand-over.
        _receiver = transport.Protocol;
    }

    private void ResumeIfNoneHolds()
    {
        if (!_pausedByUser && !_pausedByWriting)
        {
            Transport.ResumeReading();
        }
    }
}
