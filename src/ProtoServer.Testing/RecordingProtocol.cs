using System.Buffers;

namespace ProtoServer.Testing;

/// <summary>
/// Records the callbacks of a transport, fails on any order but the one that <see cref="IProtocol"/> states, and lets a test wait for what it expects.
/// By itself it takes everything and answers nothing; <see cref="Around"/> puts it in front of a protocol of yours.
/// </summary>
/// <remarks>
/// The callbacks come on one thread; everything else may be called from any. A wrong order throws a <see cref="ProtocolOrderException"/> out of the
/// callback, and again from <see cref="Verify"/> and from every wait, since a loop would only report it.
/// </remarks>
public class RecordingProtocol : IProtocol
{
    private readonly Lock _lock = new();
    private readonly List<ProtocolCallback> _callbacks = [];
    private readonly ArrayBufferWriter<byte> _received = new();
    private readonly IProtocol? _inner;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProtocolOrderException? _broken;
    private ITransport? _transport;
    private Exception? _lostException;
    private int _thread;
    private bool _made;
    private bool _eof;
    private bool _lost;
    private bool _writingPaused;

    /// <summary>A protocol of its own.</summary>
    public RecordingProtocol()
    {
    }

    private RecordingProtocol(IProtocol inner) => _inner = inner;

    /// <summary>Records what <paramref name="inner"/> is called with, and passes everything on.</summary>
    /// <returns>A buffered protocol if <paramref name="inner"/> is one.</returns>
    public static RecordingProtocol Around(IProtocol inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        return inner is IBufferedProtocol buffered ? new Buffered(buffered) : new RecordingProtocol(inner);
    }

    /// <summary>What <see cref="IProtocol.EofReceived"/> answers when there is no inner protocol. Default false.</summary>
    public bool KeepOpenAtEof { get; init; }

    /// <summary>The transport of <see cref="ConnectionMade"/>.</summary>
    /// <exception cref="InvalidOperationException">Not connected yet.</exception>
    public ITransport Transport => _transport ?? throw new InvalidOperationException("Not connected yet; wait for WaitForAsync(ProtocolCallback.ConnectionMade).");

    /// <summary>The callbacks so far, in order.</summary>
    public IReadOnlyList<ProtocolCallback> Callbacks
    {
        get
        {
            lock (_lock)
            {
                return [.. _callbacks];
            }
        }
    }

    /// <summary>All bytes so far: of <c>DataReceived</c>, for a buffered inner protocol those that it consumed.</summary>
    public byte[] Received
    {
        get
        {
            lock (_lock)
            {
                return _received.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>What <see cref="IProtocol.ConnectionLost"/> came with.</summary>
    /// <exception cref="InvalidOperationException">It has not come.</exception>
    public Exception? LostException
    {
        get
        {
            lock (_lock)
            {
                return _lost ? _lostException : throw new InvalidOperationException("ConnectionLost has not come; wait for WaitForAsync(ProtocolCallback.ConnectionLost).");
            }
        }
    }

    /// <summary>Throws what a callback in the wrong order has thrown already; does nothing when the order was right.</summary>
    /// <exception cref="ProtocolOrderException">The order was wrong.</exception>
    public void Verify()
    {
        lock (_lock)
        {
            if (_broken is not null)
            {
                throw new ProtocolOrderException(_broken.Message, _broken);
            }
        }
    }

    /// <summary>Completes when <paramref name="callback"/> has come.</summary>
    /// <exception cref="TimeoutException">It did not come in time; the message tells what did.</exception>
    /// <exception cref="ProtocolOrderException">The order was wrong.</exception>
    public Task WaitForAsync(ProtocolCallback callback, TimeSpan timeout) =>
        WaitAsync(() => _callbacks.Contains(callback), callback.ToString(), timeout);

    /// <summary>Completes when at least <paramref name="bytes"/> bytes were received in all.</summary>
    /// <exception cref="TimeoutException">They did not come in time; the message tells how many did.</exception>
    /// <exception cref="ProtocolOrderException">The order was wrong.</exception>
    public Task WaitForBytesAsync(int bytes, TimeSpan timeout) =>
        WaitAsync(() => _received.WrittenCount >= bytes, $"{bytes} bytes", timeout);

    /// <inheritdoc/>
    public void ConnectionMade(ITransport transport)
    {
        ArgumentNullException.ThrowIfNull(transport);
        _thread = Environment.CurrentManagedThreadId;
        _transport = transport;
        Record(ProtocolCallback.ConnectionMade, !_made, () => _made = true);
        _inner?.ConnectionMade(transport);
    }

    /// <inheritdoc/>
    public void DataReceived(ReadOnlySpan<byte> data)
    {
        RecordData(data.Length);
        Keep(data);
        _inner?.DataReceived(data);
    }

    /// <inheritdoc/>
    public bool EofReceived()
    {
        RecordEof();
        return _inner?.EofReceived() ?? KeepOpenAtEof;
    }

    /// <inheritdoc/>
    public void PauseWriting()
    {
        Record(ProtocolCallback.PauseWriting, _made && !_writingPaused, () => _writingPaused = true);
        _inner?.PauseWriting();
    }

    /// <inheritdoc/>
    public void ResumeWriting()
    {
        Record(ProtocolCallback.ResumeWriting, _made && _writingPaused, () => _writingPaused = false);
        _inner?.ResumeWriting();
    }

    /// <inheritdoc/>
    public void ConnectionLost(Exception? exception)
    {
        _lostException = exception;
        Record(ProtocolCallback.ConnectionLost, _made, () => _lost = true);
        _inner?.ConnectionLost(exception);
    }

    private void RecordData(long bytes) => Record(ProtocolCallback.DataReceived, _made && !_eof && bytes > 0, static () => { });

    private void RecordEof() => Record(ProtocolCallback.EofReceived, _made && !_eof, () => _eof = true);

    private void Keep(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            _received.Write(data);
        }
    }

    private void Record(ProtocolCallback callback, bool inOrder, Action advance)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            if (!inOrder || _lost || Environment.CurrentManagedThreadId != _thread)
            {
                string where = Environment.CurrentManagedThreadId == _thread || !_made ? "" : " on another thread than ConnectionMade";
                _broken ??= new ProtocolOrderException($"{callback} came{where} after: {Told()}.");
            }

            _callbacks.Add(callback);
            advance();
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
        Verify();
    }

    private string Told() => _callbacks.Count == 0 ? "nothing" : string.Join(", ", _callbacks.TakeLast(20));

    private async Task WaitAsync(Func<bool> came, string what, TimeSpan timeout)
    {
        using CancellationTokenSource deadline = new(timeout);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                Verify();
                if (came())
                {
                    return;
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(deadline.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                lock (_lock)
                {
                    throw new TimeoutException($"Waited {timeout} for {what}. Came: {Told()}; {_received.WrittenCount} bytes.");
                }
            }
        }
    }

    private sealed class Buffered(IBufferedProtocol inner) : RecordingProtocol(inner), IBufferedProtocol
    {
        public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
        {
            RecordData(data.Length);
            SequencePosition consumed = inner.DataReceived(data);
            foreach (ReadOnlyMemory<byte> segment in data.Slice(0, consumed))
            {
                Keep(segment.Span);
            }

            return consumed;
        }

        public bool EofReceived(in ReadOnlySequence<byte> unconsumed)
        {
            RecordEof();
            return inner.EofReceived(unconsumed);
        }

        void IProtocol.DataReceived(ReadOnlySpan<byte> data) => ((IProtocol)inner).DataReceived(data);
    }
}
