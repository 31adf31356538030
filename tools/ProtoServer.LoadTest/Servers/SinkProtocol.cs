namespace ProtoServer.LoadTest.Servers;

/// <summary>Receives and says nothing.</summary>
internal sealed class SinkProtocol : IProtocol
{
    public void ConnectionMade(ITransport transport)
    {
        // Nothing will be written.
    }

    public void DataReceived(ReadOnlySpan<byte> data)
    {
        // Into the sink.
    }

    public void ConnectionLost(Exception? exception)
    {
        // Nothing is kept per connection.
    }
}
