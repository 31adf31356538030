using System.Buffers;

namespace ProtoServer.LoadTest.Engine;

/// <summary>The protocol on one connection of a <see cref="Client"/>.</summary>
/// <param name="client">Whose connection it is, as long as the client says so.</param>
/// <param name="connectStarted">When the connect began, in nanoseconds of the clock.</param>
internal sealed class ClientLink(Client client, long connectStarted) : IBufferedProtocol
{
    private ITransport? _transport;
    private bool _left;
    private bool _hasRest;

    public long ConnectStarted => connectStarted;

    /// <summary>Where requests are written.</summary>
    public IBufferWriter<byte> Output => _transport!.Output;

    /// <summary>The client has no more use for the connection: whatever still comes is not looked at.</summary>
    public void Leave(bool abort)
    {
        _left = true;
        if (abort)
        {
            _transport?.Abort();
        }
        else
        {
            _transport?.Close();
        }
    }

    public void ConnectionMade(ITransport transport)
    {
        _transport = transport;
        client.Made(this);
    }

    public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
    {
        if (_left)
        {
            return data.End;
        }
        if (data.IsSingleSegment)
        {
            int taken = client.Receive(data.FirstSpan);
            _hasRest = taken < data.Length;
            return data.GetPosition(taken);
        }
        // A reply in pieces: rare, and cheaper to join than to read in every dialogue.
        int length = (int)data.Length;
        byte[] joined = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            data.CopyTo(joined);
            int taken = client.Receive(joined.AsSpan(0, length));
            _hasRest = taken < length;
            return data.GetPosition(taken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
        }
    }

    public void PauseWriting() => client.Pause();

    public void ResumeWriting() => client.Resume();

    public void ConnectionLost(Exception? exception)
    {
        // Our own Leave for a regular close is awaited by the client; after an abort it has moved on already.
        client.Lost(this, exception, _hasRest);
    }
}
