using System.Buffers;

namespace ProtoServer.LoadTest.Content;

/// <summary>The sending side of an echo: one self-proving message after the other.</summary>
internal abstract class EchoDialogue(Payload payload, SizeRange sizes, LineEnding ending, int seed, uint connection) : Dialogue
{
    protected Payload Payload { get; } = payload;

    protected LineEnding Ending { get; } = ending;

    protected uint Connection { get; } = connection;

    public override int WriteRequest(IBufferWriter<byte> output, uint sequence)
    {
        int size = SizeOf(sequence);
        Payload.Write(output.GetSpan(size)[..size], Connection, sequence);
        output.Advance(size);
        return size;
    }

    /// <summary>The size of message number <paramref name="sequence"/>: known again when its reply comes.</summary>
    protected int SizeOf(uint sequence) => sizes.IsFixed ? sizes.Min : sizes.Pick((uint)(Mixing.Mix(seed, Connection, sequence) >> 32));
}
