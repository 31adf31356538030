namespace ProtoServer.LoadTest.Servers;

/// <summary>Sends back what it receives, and does not read faster than the peer does.</summary>
internal class EchoProtocol : IProtocol
{
    protected ITransport? Transport { get; private set; }

    public void ConnectionMade(ITransport transport) => Transport = transport;

    public virtual void DataReceived(ReadOnlySpan<byte> data) => Transport!.Write(data);

    public void PauseWriting() => Transport!.PauseReading();

    public void ResumeWriting() => Transport!.ResumeReading();

    public void ConnectionLost(Exception? exception)
    {
        // Nothing is kept per connection.
    }
}
