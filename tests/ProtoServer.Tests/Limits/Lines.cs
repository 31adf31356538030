using System.Buffers;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Limits;

/// <summary>Counts lines, and leaves the beginning of one with the transport; answers none.</summary>
internal sealed class Lines : IBufferedProtocol
{
    private readonly TaskCompletionSource<Exception?> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _used;

    public ITransport? Transport { get; private set; }

    public int Count { get; private set; }

    /// <summary>Bytes received so far, used or not.</summary>
    public long Seen { get; private set; }

    public Task<Exception?> Lost => _lost.Task.WaitAsync(Within.Deadline);

    public bool IsLost => _lost.Task.IsCompleted;

    public void ConnectionMade(ITransport transport) => Transport = transport;

    public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
    {
        Seen = _used + data.Length;
        ReadOnlySequence<byte> rest = data;
        while (rest.PositionOf((byte)'\n') is { } end)
        {
            rest = rest.Slice(rest.GetPosition(1, end));
            Count++;
        }
        _used += data.Length - rest.Length;
        return rest.Start;
    }

    public void ConnectionLost(Exception? exception) => _lost.TrySetResult(exception);
}
