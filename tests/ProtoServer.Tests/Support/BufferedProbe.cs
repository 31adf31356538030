using System.Buffers;

namespace ProtoServer.Tests;

/// <summary>A <see cref="ProbeProtocol"/> that is fed with sequences; unless <see cref="Consume"/> says otherwise it takes everything.</summary>
internal sealed class BufferedProbe : ProbeProtocol, IBufferedProtocol
{
    /// <summary>How many bytes of what is offered are taken.</summary>
    public Func<ReadOnlySequence<byte>, long> Consume { get; set; } = static data => data.Length;

    /// <summary>In place of <see cref="Consume"/>: any position, also a wrong one.</summary>
    public Func<ReadOnlySequence<byte>, SequencePosition>? ConsumeTo { get; set; }

    /// <summary>How often bytes were offered.</summary>
    public int Offers { get; private set; }

    /// <summary>What was left at the end of the peer; -1 before.</summary>
    public long UnconsumedAtEof { get; private set; } = -1;

    SequencePosition IBufferedProtocol.DataReceived(in ReadOnlySequence<byte> data)
    {
        Offers++;
        using (Enter('D', data.Length > 0))
        {
            SequencePosition consumed = ConsumeTo?.Invoke(data) ?? data.GetPosition(Consume(data));
            foreach (ReadOnlyMemory<byte> segment in ConsumeTo is null ? data.Slice(0, consumed) : data)
            {
                Keep(segment.Span);
            }
            OnData?.Invoke(data.FirstSpan);
            return consumed;
        }
    }

    bool IBufferedProtocol.EofReceived(in ReadOnlySequence<byte> unconsumed)
    {
        UnconsumedAtEof = unconsumed.Length;
        return EofReceived();
    }
}
