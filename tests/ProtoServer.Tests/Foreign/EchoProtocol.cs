namespace ProtoServer.Tests;

/// <summary>Says back what it hears.</summary>
internal sealed class EchoProtocol : IProtocol
{
    private ITransport _transport = null!;

    public void ConnectionMade(ITransport transport) => _transport = transport;

    public void DataReceived(ReadOnlySpan<byte> data) => _transport.Write(data);

    public void ConnectionLost(Exception? exception)
    {
    }
}
