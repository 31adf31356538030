using System.Buffers;
using System.Collections.Concurrent;
using System.Text;

namespace ProtoServer.Tests;

/// <summary>A protocol for one test: writes down what it is told, checks the grammar, and does what the test hangs on its hooks.</summary>
internal class ProbeProtocol : IProtocol
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _events = new();
    private readonly ArrayBufferWriter<byte> _received = new();
    private readonly TaskCompletionSource<ITransport> _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception?> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _violations = new();
    private ITransport? _transport;
    private bool _eof;
    private bool _pausedWriting;
    private bool _inCallback;

    public Action<ITransport>? OnMade { get; init; }

    public ProbeDataHandler? OnData { get; set; }

    public Func<bool>? OnEof { get; init; }

    public Action? OnPause { get; set; }

    public Action? OnResume { get; set; }

    public Action<Exception?>? OnLost { get; init; }

    /// <summary>This protocol takes a connection over that another one began.</summary>
    public bool IsSuccessor { get; init; }

    /// <summary>Completes in <c>ConnectionMade</c>.</summary>
    public Task<ITransport> Made => _made.Task;

    /// <summary>Completes after <c>ConnectionLost</c>, with what it was told.</summary>
    public Task<Exception?> Lost => _lost.Task;

    public ITransport Transport => Made.IsCompleted ? Made.Result : throw new InvalidOperationException("Not connected yet.");

    /// <summary>One letter a callback: Made, Data (runs of them as one), Eof, Pause, Resume, Lost.</summary>
    public string Events
    {
        get
        {
            lock (_gate)
            {
                return _events.ToString();
            }
        }
    }

    public byte[] Received
    {
        get
        {
            lock (_gate)
            {
                return _received.WrittenSpan.ToArray();
            }
        }
    }

    public string ReceivedText => Encoding.Latin1.GetString(Received);

    public long ReceivedCount
    {
        get
        {
            lock (_gate)
            {
                return _received.WrittenCount;
            }
        }
    }

    /// <summary>What was called out of order; must be empty.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    public Task ReceivedAsync(long count, TimeSpan? deadline = null) => Deadlines.UntilAsync(() => ReceivedCount >= count, $"{count} bytes received, of which {ReceivedCount} came", deadline);

    public void ConnectionMade(ITransport transport)
    {
        using (Enter('M', !IsSuccessor && Events.Length == 0))
        {
            _transport = transport;
            try
            {
                OnMade?.Invoke(transport);
            }
            finally
            {
                _made.TrySetResult(transport);
            }
        }
    }

    public virtual void DataReceived(ReadOnlySpan<byte> data)
    {
        using (Enter('D', !_eof && data.Length > 0 && (IsSuccessor || _transport is { IsClosing: false, IsReading: true })))
        {
            Keep(data);
            OnData?.Invoke(data);
        }
    }

    public bool EofReceived()
    {
        using (Enter('E', !_eof))
        {
            _eof = true;
            return OnEof?.Invoke() ?? false;
        }
    }

    public void PauseWriting()
    {
        using (Enter('P', !_pausedWriting, nested: true))
        {
            _pausedWriting = true;
            OnPause?.Invoke();
        }
    }

    public void ResumeWriting()
    {
        using (Enter('R', _pausedWriting, nested: true))
        {
            _pausedWriting = false;
            OnResume?.Invoke();
        }
    }

    public void ConnectionLost(Exception? exception)
    {
        using (Enter('L', IsSuccessor || Events.StartsWith('M')))
        {
            try
            {
                OnLost?.Invoke(exception);
            }
            finally
            {
                if (!_lost.TrySetResult(exception))
                {
                    _violations.Enqueue("ConnectionLost twice");
                }
            }
        }
    }

    protected void Keep(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            _received.Write(data);
        }
    }

    // PauseWriting comes inside the protocol's own write, and so may ResumeWriting; every other callback must find none under way.
    protected Callback Enter(char letter, bool inOrder, bool nested = false)
    {
        if (!inOrder || _lost.Task.IsCompleted || (_inCallback && !nested))
        {
            _violations.Enqueue($"{letter} after {Events}{(_inCallback ? ", inside another callback" : "")}");
        }
        lock (_gate)
        {
            if (letter != 'D' || _events.Length == 0 || _events[^1] != 'D')
            {
                _events.Append(letter);
            }
        }
        bool outer = _inCallback;
        _inCallback = true;
        return new Callback(this, outer);
    }

    protected readonly struct Callback(ProbeProtocol protocol, bool outer) : IDisposable
    {
        public void Dispose() => protocol._inCallback = outer;
    }
}

internal delegate void ProbeDataHandler(ReadOnlySpan<byte> data);
