using System.Buffers;

namespace ProtoServer;

/// <summary>Encodes messages. The shape is Bedrock.Framework's, so that its writers need no more than another <c>using</c>.</summary>
/// <typeparam name="TMessage">What is encoded.</typeparam>
/// <remarks>Called on the loop thread. A writer without state may be shared by all connections of a loop.</remarks>
public interface IMessageWriter<TMessage>
{
    /// <summary>Writes all of <paramref name="message"/> to <paramref name="output"/>.</summary>
    void WriteMessage(TMessage message, IBufferWriter<byte> output);
}
