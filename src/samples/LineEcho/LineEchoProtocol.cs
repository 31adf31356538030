using ProtoServer;

namespace LineEcho;

/// <summary>Sends each line back with the terminator it came with.</summary>
internal sealed class LineEchoProtocol : LineProtocol
{
    protected override void LineReceived(ReadOnlySpan<byte> line) => SendLine(line, Terminator);

    protected override void ProtocolViolated(ProtocolViolationException violation) => SendLine($"error: {violation.Message}");
}
