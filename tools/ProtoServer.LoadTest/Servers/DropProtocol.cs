using System.Buffers;

namespace ProtoServer.LoadTest.Servers;

/// <summary>An echo that leaves a message out now and then. A message is a line, or a number of bytes.</summary>
internal sealed class DropProtocol(FaultPlan plan) : IBufferedProtocol
{
    private ITransport? _transport;

    public void ConnectionMade(ITransport transport) => _transport = transport;

    public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
    {
        ReadOnlySequence<byte> rest = data;
        while (TryReadMessage(rest, out SequencePosition end))
        {
            if (!plan.DropsNext())
            {
                _transport!.Write(rest.Slice(0, end));
            }
            rest = rest.Slice(end);
        }
        return rest.Start;
    }

    public void PauseWriting() => _transport!.PauseReading();

    public void ResumeWriting() => _transport!.ResumeReading();

    public void ConnectionLost(Exception? exception)
    {
        // Nothing is kept per connection.
    }

    private bool TryReadMessage(in ReadOnlySequence<byte> data, out SequencePosition end)
    {
        if (plan.MessageBytes > 0)
        {
            end = data.Length >= plan.MessageBytes ? data.GetPosition(plan.MessageBytes) : default;
            return data.Length >= plan.MessageBytes;
        }
        SequencePosition? newline = data.PositionOf((byte)'\n');
        end = newline is { } position ? data.GetPosition(1, position) : default;
        return newline is not null;
    }
}
