using System.Buffers;
using System.IO.Pipelines;

namespace ProtoServer;

// From the protocol to the pipe.
internal sealed partial class ProtocolConnection
{
    private PendingOperation<FlushResult>? _pendingFlush;
    private int _high;
    private int _low;
    private bool _flushQueued;
    private bool _writingPaused;
    private bool _eofWritten;
    private bool _outputCompleted;

    public IBufferWriter<byte> Output => this;

    public long WriteBufferSize => _queue.UnsentBytes;

    public void Write(ReadOnlySpan<byte> data)
    {
        if (MayWrite() && data.Length > 0)
        {
            _output.Write(data);
            Wrote(data.Length);
        }
    }

    public void Write(in ReadOnlySequence<byte> data)
    {
        if (!MayWrite() || data.IsEmpty)
        {
            return;
        }
        foreach (ReadOnlyMemory<byte> segment in data)
        {
            _output.Write(segment.Span);
        }
        Wrote(data.Length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => MayWrite() ? _output.GetSpan(sizeHint) : new byte[Math.Max(sizeHint, 256)];

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint) => MayWrite() ? _output.GetMemory(sizeHint) : new byte[Math.Max(sizeHint, 256)];

    void IBufferWriter<byte>.Advance(int count)
    {
        if (!_closing)
        {
            _output.Advance(count);
            if (count > 0)
            {
                Wrote(count);
            }
        }
    }

    public void WriteEof()
    {
        Loop.VerifyThread();
        if (_eofWritten || _closing)
        {
            return;
        }
        _eofWritten = true;
        QueueFlush();
    }

    public void SetWriteBufferLimits(int? highBytes = null, int? lowBytes = null)
    {
        Loop.VerifyThread();
        int high = highBytes ?? (lowBytes is { } given ? (int)Math.Min(4L * given, int.MaxValue) : 64 * 1024);
        int low = lowBytes ?? high / 4;
        ArgumentOutOfRangeException.ThrowIfNegative(low, nameof(lowBytes));
        if (high < low)
        {
            throw new ArgumentOutOfRangeException(nameof(highBytes), high, $"The high-water mark must not be below the low-water mark ({low} bytes).");
        }
        _high = high;
        _low = low;
        if (_lost)
        {
            return;
        }
        _queue.SetMarks(high, low);
        PauseIfAboveMark();
        ResumeIfBelowMark();
    }

    // Step 6 of the iteration: what was written leaves; what was closed ends.
    void IFlushable.Flush()
    {
        _flushQueued = false;
        if (_lost || _finishing)
        {
            return;
        }
        if (_closing)
        {
            Finish();
            return;
        }
        FlushOutput();
        if (_eofWritten && !_outputCompleted && !_closing)
        {
            _outputCompleted = true;
            _output.Complete();
            if (_eof)
            {
                Close();
            }
        }
    }

    private bool MayWrite()
    {
        Loop.VerifyThread();
        if (_closing)
        {
            return false;
        }
        if (_eofWritten)
        {
            throw new InvalidOperationException("Writing is not allowed after WriteEof: our half of the connection has ended.");
        }
        if (WriteBufferSize > _owner.ConnectionOptions.WriteLimitBytes)
        {
            _error ??= new IOException($"The peer does not read: more than {_owner.ConnectionOptions.WriteLimitBytes} bytes were waiting for it when more was written.");
            Abort();
            return false;
        }
        return true;
    }

    private void Wrote(long count)
    {
        _deadlines?.Written(count);
        QueueFlush();
        PauseIfAboveMark();
    }

    private void QueueFlush()
    {
        if (!_flushQueued)
        {
            _flushQueued = true;
            Loop.FlushAtEndOfIteration(this);
        }
    }

    private void PauseIfAboveMark()
    {
        if (_writingPaused || WriteBufferSize <= _high || _closing)
        {
            return;
        }
        // Only what the kernel does not take counts against the peer.
        FlushOutput();
        if (WriteBufferSize > _high && !_closing && !_writingPaused)
        {
            _writingPaused = true;
            Tell(static protocol => protocol.PauseWriting(), nameof(IProtocol.PauseWriting));
        }
    }

    private void ResumeIfBelowMark()
    {
        if (_writingPaused && !_closing && WriteBufferSize <= _low)
        {
            _writingPaused = false;
            Tell(static protocol => protocol.ResumeWriting(), nameof(IProtocol.ResumeWriting));
        }
    }

    private void Tell(Action<IProtocol> callback, string name)
    {
        using Calling call = new(this, name);
        try
        {
            callback(_protocol);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            // The connection is sound: flow control is advice.
            Loop.Report("A protocol callback threw; its connection goes on.", exception, $"{_protocol.GetType().Name}.{name}", this);
        }
    }

    private void FlushOutput()
    {
        if (_pendingFlush is { IsPending: true })
        {
            return;
        }
        if (_queue.TryFlush())
        {
            _deadlines?.Flushed();
            ResumeIfBelowMark();
            return;
        }
        try
        {
            ValueTask<FlushResult> flush = _output.FlushAsync();
            _deadlines?.Flushed();
            if (flush.IsCompleted)
            {
                Flushed(flush.Result);
                return;
            }
            (_pendingFlush ??= new PendingOperation<FlushResult>(PendingFlushEnded)).Await(flush);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            WriteFailed(exception);
        }
    }

    private void PendingFlushEnded()
    {
        try
        {
            _deadlines?.Flushed();
            Flushed(_pendingFlush!.Take());
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            WriteFailed(exception);
        }
    }

    private void Flushed(FlushResult result)
    {
        if (result.IsCompleted && !_closing)
        {
            // Never inline: this may be inside the protocol's own write.
            WriteFailed(_queue.Error ?? new IOException("The connection's output was closed below the protocol."));
            return;
        }
        ResumeIfBelowMark();
    }

    private void WriteFailed(Exception exception)
    {
        if (!_closing)
        {
            Loop.Post(static call => call.connection.TransportLost(call.exception), (connection: this, exception));
        }
    }
}
