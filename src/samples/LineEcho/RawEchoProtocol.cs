using ProtoServer;

namespace LineEcho;

/// <summary>Sends the bytes back as they come; while the peer does not read, it is not read from.</summary>
internal sealed class RawEchoProtocol : IProtocol
{
    private ITransport? _transport;

    public void ConnectionMade(ITransport transport) => _transport = transport;

    public void DataReceived(ReadOnlySpan<byte> data) => _transport!.Write(data);

    public void PauseWriting() => _transport!.PauseReading();

    public void ResumeWriting() => _transport!.ResumeReading();

    public void ConnectionLost(Exception? exception)
    {
    }
}
