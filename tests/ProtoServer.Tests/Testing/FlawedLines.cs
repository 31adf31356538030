using System.Buffers;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Testing;

/// <summary>What is wrong with a <see cref="FlawedLines"/>.</summary>
public enum Flaw
{
    None,
    FirstSegmentOnly,
    CrLostAtACut,
    LimitDependsOnTheCut,
    TailDroppedAtEof,
    TailDeliveredTwiceAtEof,
    DeliversAfterClose,
    DeliversWhilePaused,
    WrongException,
    IgnoresWritePause,
    AnswersDependOnTheCut,
}

/// <summary>LF lines of at most eight bytes, framed by hand on a contract that it breaks in one way.</summary>
internal sealed class FlawedLines(DeliveryLog log, Flaw flaw) : IBufferedProtocol
{
    private const int MaxBytes = 8;

    private ITransport _transport = null!;
    private int _calls;

    public void ConnectionMade(ITransport transport) => _transport = transport;

    public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
    {
        _calls++;
        IProtocol owner = _transport.Protocol;
        ReadOnlySequence<byte> rest = flaw == Flaw.FirstSegmentOnly ? new ReadOnlySequence<byte>(data.First) : data;
        SequencePosition consumed = data.Start;
        while (rest.PositionOf((byte)'\n') is SequencePosition end)
        {
            ReadOnlySequence<byte> line = rest.Slice(0, end);
            if (line.Length > MaxBytes)
            {
                throw Violation();
            }

            Deliver(line);
            rest = rest.Slice(data.GetPosition(1, end));
            consumed = rest.Start;
            bool stopped = flaw switch
            {
                Flaw.DeliversAfterClose => !_transport.IsReading && !_transport.IsClosing,
                Flaw.DeliversWhilePaused => _transport.IsClosing,
                _ => !_transport.IsReading,
            };
            if (stopped || _transport.Protocol != owner)
            {
                return consumed;
            }
        }

        if (rest.Length > MaxBytes + (flaw == Flaw.LimitDependsOnTheCut ? -1 : 0))
        {
            throw Violation();
        }

        return flaw == Flaw.FirstSegmentOnly && rest.IsEmpty ? data.GetPosition(data.First.Length) : consumed;
    }

    public bool EofReceived(in ReadOnlySequence<byte> unconsumed)
    {
        if (!unconsumed.IsEmpty && flaw != Flaw.TailDroppedAtEof)
        {
            Deliver(unconsumed);
            if (flaw == Flaw.TailDeliveredTwiceAtEof)
            {
                Deliver(unconsumed);
            }
        }

        return false;
    }

    public void PauseWriting()
    {
        if (flaw != Flaw.IgnoresWritePause)
        {
            _transport.PauseReading();
        }
    }

    public void ResumeWriting() => _transport.ResumeReading();

    public void ConnectionLost(Exception? exception)
    {
    }

    private void Deliver(in ReadOnlySequence<byte> line)
    {
        byte[] bytes = line.ToArray();
        if (flaw == Flaw.CrLostAtACut && bytes.Length > 0 && bytes[^1] == '\r' && line.IsSingleSegment)
        {
            bytes = bytes[..^1];
        }

        log.Add(bytes);
        _transport.Write(bytes);
        _transport.Write(flaw == Flaw.AnswersDependOnTheCut ? [(byte)('0' + (_calls % 10))] : "\n"u8);
    }

    private Exception Violation() => flaw == Flaw.WrongException
        ? new InvalidOperationException("too long")
        : new ProtocolViolationException("too long");
}
