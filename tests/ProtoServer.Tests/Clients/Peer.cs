using System.Collections.Concurrent;
using System.Text;

namespace ProtoServer.Tests.Clients;

/// <summary>A protocol that records what it is told; the test waits for it from another thread.</summary>
internal sealed class Peer : IProtocol
{
    private readonly TaskCompletionSource<ITransport> _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception?> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<(int Length, TaskCompletionSource Reached)> _waiting = new();
    private readonly StringBuilder _received = new();

    public Action<ITransport>? OnMade { get; init; }

    /// <summary>Sends everything back.</summary>
    public bool Echoes { get; init; }

    public bool KeepsOpenAtEof { get; init; }

    public ITransport? Transport { get; private set; }

    public Task<ITransport> Made => _made.Task.WaitAsync(Within.Deadline);

    public Task<Exception?> Lost => _lost.Task.WaitAsync(Within.Deadline);

    public bool IsLost => _lost.Task.IsCompleted;

    public string Received
    {
        get
        {
            lock (_received)
            {
                return _received.ToString();
            }
        }
    }

    public Task ReceivedAtLeast(int length)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue((length, reached));
        CompleteWaits();
        return reached.Task.WaitAsync(Within.Deadline);
    }

    public void ConnectionMade(ITransport transport)
    {
        Transport = transport;
        OnMade?.Invoke(transport);
        _made.TrySetResult(transport);
    }

    public void DataReceived(ReadOnlySpan<byte> data)
    {
        lock (_received)
        {
            _received.Append(Encoding.Latin1.GetString(data));
        }
        CompleteWaits();
        if (Echoes)
        {
            Transport!.Write(data);
        }
    }

    public bool EofReceived() => KeepsOpenAtEof;

    public void ConnectionLost(Exception? exception) => _lost.TrySetResult(exception);

    private void CompleteWaits()
    {
        int length = Received.Length;
        foreach ((int wanted, TaskCompletionSource reached) in _waiting)
        {
            if (length >= wanted)
            {
                reached.TrySetResult();
            }
        }
    }
}
