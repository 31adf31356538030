using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace ProtoServer;

/// <summary>Decodes messages. The shape is Bedrock.Framework's, so that its readers need no more than another <c>using</c>.</summary>
/// <typeparam name="TMessage">What one message decodes to.</typeparam>
/// <remarks>Called on the loop thread. A reader without state may be shared by all connections of a loop.</remarks>
public interface IMessageReader<TMessage>
{
    /// <summary>Decodes the first message in <paramref name="input"/>, if it is all there.</summary>
    /// <param name="input">What is unconsumed, never empty. The transport's memory: it dies with the call, so a message copies what it keeps.</param>
    /// <param name="consumed">In: the start of the input. Out: the position behind the message; without one, behind what need not be seen again.</param>
    /// <param name="examined">In: the end of the input. Out: how far was looked. Accepted for the shape's sake: the next call comes with the next bytes either way.</param>
    /// <param name="message">The message.</param>
    /// <returns>Whether there was a whole message.</returns>
    /// <exception cref="ProtocolViolationException">The bytes are no message; <see cref="InvalidDataException"/> means the same.</exception>
    bool TryParseMessage(in ReadOnlySequence<byte> input, ref SequencePosition consumed, ref SequencePosition examined, [MaybeNullWhen(false)] out TMessage message);
}
