using System.Buffers;
using System.IO.Pipelines;

namespace ProtoServer;

// From the pipe to the protocol.
internal sealed partial class ProtocolConnection
{
    // Per turn, for pipes that always have more: ours has at most one receive buffer a turn.
    private const int BytesPerTurn = 64 * 1024;

    private PendingOperation<ReadResult>? _pendingRead; // of a pipe that is not our own
    private bool _readPending;
    private bool _readScheduled;
    private bool _paused;
    private bool _held; // the pipe keeps bytes that the protocol was not offered, or did not take
    private bool _eof;
    private CancellationTokenRegistration _lossWatch;

    public bool IsReading => !_paused && !_eof && !_closing;

    /// <summary>The iteration in which data came last; 0 before.</summary>
    public long LastReceived { get; private set; }

    private bool IsSilent(int iterations) => LastReceived > 0 ? Loop.Iterations - LastReceived >= iterations : Loop.Time.Ticks - _made >= Server.FirstWordGrace.Ticks;

    /// <summary>Whether received bytes wait for the protocol to resume.</summary>
    public bool HasHeldInput => _held && _paused;

    // A read that is already pending stays so: an EOF or a reset is noticed all the same, and bytes that come are held, unconsumed, until reading resumes.
    public void PauseReading()
    {
        Loop.VerifyThread();
        _paused = true;
        _deadlines?.MessageFinished();
    }

    public void ResumeReading()
    {
        Loop.VerifyThread();
        if (_paused)
        {
            _paused = false;
            ScheduleRead();
        }
    }

    private void ScheduleRead(bool evenWhilePending = false)
    {
        if (!_readScheduled && (evenWhilePending || !_readPending) && !_closing && !_eof)
        {
            _readScheduled = true;
            Loop.Post(static connection => connection.ReadScheduled(), this);
        }
    }

    private void ReadScheduled()
    {
        _readScheduled = false;
        if (!_readPending)
        {
            ReadMore();
        }
        else if (_held && !_closing)
        {
            // It waits for more than is kept: ended without more, it is followed by one that returns what is kept.
            _input.CancelPendingRead();
        }
    }

    private void ReadMore()
    {
        long taken = 0;
        while (!_readPending && !_closing && !_eof && !(_paused && _held))
        {
            if (taken >= BytesPerTurn)
            {
                ScheduleRead();
                return;
            }
            try
            {
                if (!TryReadOrWait(out ReadResult result))
                {
                    _readPending = true;
                    return;
                }
                taken += Process(result);
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                ReadFailed(exception);
                return;
            }
        }
    }

    private bool TryReadOrWait(out ReadResult result)
    {
        if (_input is EpollReader reader)
        {
            return reader.TryReadOrWait(out result);
        }
        ValueTask<ReadResult> read = _input.ReadAsync();
        if (read.IsCompleted)
        {
            result = read.Result;
            return true;
        }
        (_pendingRead ??= new PendingOperation<ReadResult>(PendingReadEnded)).Await(read);
        result = default;
        return false;
    }

    void IByteReceiver.ReadReady()
    {
        _readPending = false;
        ReadMore();
    }

    private void PendingReadEnded()
    {
        _readPending = false;
        try
        {
            Process(_pendingRead!.Take());
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            if (!_finishing)
            {
                ReadFailed(exception);
            }
            // Otherwise we completed the reader under it.
            return;
        }
        ReadMore();
    }

    // The usual case, without a ReadResult and a new read for each message: what Process does for bytes that lie in one piece.
    int IByteReceiver.Receive(byte[] buffer, int count, out bool examined)
    {
        examined = false;
        if (_closing || _paused)
        {
            return 0;
        }
        try
        {
            int consumed = Show(buffer, count);
            examined = !_paused;
            return consumed;
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            ReadFailed(exception);
            return 0;
        }
    }

    private int Show(byte[] buffer, int count)
    {
        LastReceived = Loop.Iterations;
        _deadlines?.Received();
        if (_buffered is null)
        {
            DeliverAll(new ReadOnlySpan<byte>(buffer, 0, count));
            _deadlines?.MessageFinished();
            return count;
        }
        var sequence = new ReadOnlySequence<byte>(buffer, 0, count);
        int rest = (int)sequence.Slice(Deliver(sequence)).Length;
        if (rest == 0 || _closing || _paused)
        {
            _deadlines?.MessageFinished();
        }
        else if (rest >= _owner.ConnectionOptions.InputLimitBytes)
        {
            ViolatedInputLimit();
        }
        else
        {
            _held = true;
            _deadlines?.MessageUnfinished(rest, isNew: rest < count);
        }
        return count - rest;
    }

    private void DeliverAll(ReadOnlySpan<byte> bytes)
    {
        using Calling call = new(this, nameof(IProtocol.DataReceived));
        try
        {
            _protocol.DataReceived(bytes);
        }
        catch (Exception exception)
        {
            Blame(exception, nameof(IProtocol.DataReceived));
        }
    }

    private void ViolatedInputLimit() =>
        Violated(new ProtocolViolationException($"More than {_owner.ConnectionOptions.InputLimitBytes} bytes were received that the protocol could not use."));

    // What the protocol's own callbacks throw is dealt with further in: this is the transport's, or a position that is not the buffer's.
    private void ReadFailed(Exception exception)
    {
        if (exception is ProtocolViolationException violation)
        {
            Violated(violation);
            return;
        }
        if (exception is not IOException and not Microsoft.AspNetCore.Connections.ConnectionAbortedException and not OperationCanceledException)
        {
            Loop.Report("Reading from a connection failed; it is aborted.", exception, null, this);
            _error ??= exception;
            Abort();
            return;
        }
        TransportLost(exception);
    }

    /// <summary>Offers a result to the protocol and advances the pipe; returns how many bytes it held.</summary>
    private long Process(in ReadResult result)
    {
        ReadOnlySequence<byte> buffer = result.Buffer;
        if (_closing || (_paused && !buffer.IsEmpty) || (result.IsCanceled && !result.IsCompleted))
        {
            Hold(buffer.Start);
            return 0;
        }
        // Now: once it is advanced, its segments may be others'.
        long length = buffer.Length;
        SequencePosition consumed = buffer.Start;
        bool all = buffer.IsEmpty;
        if (!all)
        {
            LastReceived = Loop.Iterations;
            _deadlines?.Received();
            consumed = Deliver(buffer);
            all = consumed.Equals(buffer.End) || buffer.Slice(consumed).IsEmpty;
        }
        if (result.IsCompleted && !_closing && (all || !_paused))
        {
            DeliverEof(all ? ReadOnlySequence<byte>.Empty : buffer.Slice(consumed));
            consumed = _error is null ? buffer.End : consumed;
            all = true;
        }
        if (all || _closing)
        {
            _held = false;
            _deadlines?.MessageFinished();
            _input.AdvanceTo(consumed, buffer.End);
        }
        else if (_paused)
        {
            _deadlines?.MessageFinished();
            Hold(consumed);
        }
        else if (buffer.Slice(consumed).Length >= _owner.ConnectionOptions.InputLimitBytes)
        {
            // Not consumed: the close then knows that the peer is in the middle of something.
            _input.AdvanceTo(consumed, buffer.End);
            ViolatedInputLimit();
        }
        else
        {
            _held = true;
            if (_deadlines is not null)
            {
                long rest = buffer.Slice(consumed).Length;
                _deadlines.MessageUnfinished(rest, isNew: rest < length);
            }
            _input.AdvanceTo(consumed, buffer.End);
        }
        return length;
    }

    // Examined is consumed: the next read returns these bytes at once.
    private void Hold(SequencePosition consumed)
    {
        _held = true;
        _input.AdvanceTo(consumed, consumed);
        WatchForLoss();
    }

    private SequencePosition Deliver(in ReadOnlySequence<byte> buffer)
    {
        using Calling call = new(this, nameof(IProtocol.DataReceived));
        ReadOnlySequence<byte> rest = buffer;
        while (true)
        {
            IProtocol receiver = _protocol;
            try
            {
                if (_buffered is { } buffered)
                {
                    SequencePosition consumed = buffered.DataReceived(rest);
                    if (receiver == _protocol || _closing || _paused)
                    {
                        return consumed;
                    }
                    rest = rest.Slice(consumed);
                }
                else
                {
                    // Empty when the position given back before stands behind a segment's last byte: no protocol is called with nothing.
                    if (!rest.FirstSpan.IsEmpty)
                    {
                        receiver.DataReceived(rest.FirstSpan);
                    }
                    if (rest.IsSingleSegment)
                    {
                        return rest.End;
                    }
                    SequencePosition next = rest.Start;
                    _ = rest.TryGet(ref next, out _);
                    rest = rest.Slice(next);
                }
            }
            catch (Exception exception)
            {
                Blame(exception, nameof(IProtocol.DataReceived));
            }
            if (rest.IsEmpty || _closing || _paused)
            {
                return rest.Start;
            }
        }
    }

    private void DeliverEof(in ReadOnlySequence<byte> unconsumed)
    {
        using Calling call = new(this, nameof(IProtocol.EofReceived));
        _eof = true;
        bool keepOpen = false;
        try
        {
            keepOpen = _buffered is { } buffered ? buffered.EofReceived(unconsumed) : _protocol.EofReceived();
        }
        catch (Exception exception)
        {
            Blame(exception, nameof(IProtocol.EofReceived));
        }
        if (_closing)
        {
            return;
        }
        // With both halves ended nothing can happen any more: keeping the connection would only leak it.
        if (!keepOpen || _eofWritten)
        {
            Close();
        }
        else
        {
            WatchForLoss();
        }
    }

    // No read is pending that a reset would fail, so it has to be told apart.
    private void WatchForLoss()
    {
        if (_lossWatch == default && !_closing)
        {
            _lossWatch = _connection.ConnectionClosed.UnsafeRegister(
                static state => ((ProtocolConnection)state!).Loop.Post(static connection => connection.LossNoticed(), (ProtocolConnection)state),
                this);
        }
    }

    private void LossNoticed()
    {
        if (!_closing && !_readPending)
        {
            TransportLost(_queue.Error ?? new IOException("The connection was closed below the protocol."));
        }
    }
}
