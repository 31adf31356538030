using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer.Testing;

/// <summary>A connection without a network: the test is the peer, and decides what arrives, how it is cut, and when the peer reads.</summary>
/// <remarks>
/// For one thread, usually the test's. <see cref="Connect"/>, <see cref="Receive(ReadOnlySpan{byte})"/>, <see cref="ReceiveEof"/>, <see cref="ReadSent"/> and
/// <see cref="RunPending"/> call the protocol back until nothing is left to do, as iterations of a loop would; a call that a test makes on the
/// <see cref="ITransport"/> itself (Close, ResumeReading ...) has its callbacks in the next of those. What a callback throws ends the connection as it
/// would on a server; a <see cref="ProtocolViolationException"/> is then only in <see cref="IProtocol.ConnectionLost"/>, anything else is thrown to the test as well.
/// Received memory is overwritten when the callback returns, so that a protocol that keeps it is found out. There is no hard write limit.
/// </remarks>
public sealed class MemoryTransport : ITransport
{
    private readonly List<byte[]> _input = [];
    private readonly MemoryOutput _output;
    private readonly EventLoop? _loop;
    private IProtocol _protocol;
    private Exception? _lostException;
    private bool _connected;
    private bool _pumping;
    private bool _offer;
    private bool _readingPaused;
    private bool _eofArrived;
    private bool _eofDelivered;
    private bool _closing;
    private bool _lost;

    /// <summary>A connection that is not up yet: <see cref="Connect"/> it.</summary>
    /// <param name="protocol">Gets the callbacks.</param>
    /// <param name="loop">What <see cref="Loop"/> returns; without it, asking throws.</param>
    public MemoryTransport(IProtocol protocol, EventLoop? loop = null)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        _protocol = protocol;
        _loop = loop;
        _output = new MemoryOutput(() => _protocol.PauseWriting());
    }

    /// <summary>
    /// Whether unconsumed bytes are offered as one segment (the default), or as the segments that they arrived in.
    /// </summary>
    public bool Coalesces { get; init; } = true;

    /// <summary>
    /// Whether the peer takes what is written at once (the default). While false it waits in <see cref="WriteBufferSize"/>, until <see cref="ReadSent"/>.
    /// </summary>
    public bool PeerReads
    {
        get => _output.PeerReads;
        set => _output.PeerReads = value;
    }

    /// <summary>Received bytes that the protocol has not consumed.</summary>
    public long UnconsumedBytes => _input.Sum(segment => (long)segment.Length);

    /// <summary>Whether the peer has our FIN: after <see cref="WriteEof"/> or a close, once everything before it was read.</summary>
    public bool EofSent => !Aborted && _output.WriteBufferSize == 0 && (_output.Ended || _lost);

    /// <summary>Whether the connection was reset from our side.</summary>
    public bool Aborted { get; private set; }

    /// <inheritdoc/>
    public EventLoop Loop => _loop ?? throw new InvalidOperationException("This MemoryTransport was made without a loop; pass one to its constructor.");

    /// <inheritdoc/>
    public IProtocol Protocol
    {
        get => _protocol;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _protocol = value;
            _offer = true;
        }
    }

    /// <inheritdoc/>
    public EndPoint? LocalEndPoint { get; init; }

    /// <inheritdoc/>
    public EndPoint? RemoteEndPoint { get; init; }

    /// <inheritdoc/>
    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <inheritdoc/>
    public IBufferWriter<byte> Output => _output;

    /// <inheritdoc/>
    public bool CanWriteEof => true;

    /// <inheritdoc/>
    public bool IsClosing => _closing || _lost;

    /// <inheritdoc/>
    public bool IsReading => _connected && !_readingPaused && !_eofDelivered && !IsClosing;

    /// <inheritdoc/>
    public long WriteBufferSize => _output.WriteBufferSize;

    /// <summary>The connection is up: <see cref="IProtocol.ConnectionMade"/>.</summary>
    public void Connect()
    {
        if (_connected)
        {
            throw new InvalidOperationException("Already connected; make a MemoryTransport for each connection.");
        }

        _connected = true;
        Call(() => _protocol.ConnectionMade(this));
        RunPending();
    }

    /// <summary>The peer sends <paramref name="data"/>, and it arrives in one piece.</summary>
    public void Receive(ReadOnlySpan<byte> data)
    {
        Arrive(data);
        RunPending();
    }

    /// <summary>The peer sends <paramref name="data"/>, and it arrives at once; its segments are kept where <see cref="Coalesces"/> is false.</summary>
    public void Receive(in ReadOnlySequence<byte> data)
    {
        foreach (ReadOnlyMemory<byte> segment in data)
        {
            Arrive(segment.Span);
        }

        RunPending();
    }

    /// <summary>The peer ends its half (FIN).</summary>
    public void ReceiveEof()
    {
        _eofArrived = true;
        RunPending();
    }

    /// <summary>The network ends the connection: queued bytes are gone.</summary>
    public void Lose(Exception? exception)
    {
        _lostException ??= exception;
        _closing = true;
        _output.Drop();
        RunPending();
    }

    /// <summary>The peer reads up to <paramref name="maxBytes"/> of what it has not read yet.</summary>
    /// <returns>What it read.</returns>
    public byte[] ReadSent(int maxBytes = int.MaxValue)
    {
        byte[] bytes = _output.Read(maxBytes);
        RunPending();
        return bytes;
    }

    /// <summary>Calls the protocol back until nothing is left to do. Does nothing inside a callback.</summary>
    public void RunPending()
    {
        if (_pumping || !_connected)
        {
            return;
        }

        _pumping = true;
        try
        {
            while (Step())
            {
            }
        }
        finally
        {
            _pumping = false;
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (!IsClosing)
        {
            _output.Write(data);
        }
    }

    /// <inheritdoc/>
    public void Write(in ReadOnlySequence<byte> data)
    {
        if (!IsClosing)
        {
            _output.Write(data.ToArray());
        }
    }

    /// <inheritdoc/>
    public void WriteEof()
    {
        if (!IsClosing)
        {
            _output.Ended = true;
        }
    }

    /// <inheritdoc/>
    public void Close()
    {
        _closing = true;
        _output.Swallows = true;
    }

    /// <inheritdoc/>
    public void Abort()
    {
        if (!_lost)
        {
            Aborted = true;
            _output.Drop();
            Close();
        }
    }

    /// <inheritdoc/>
    public void PauseReading() => _readingPaused = true;

    /// <inheritdoc/>
    public void ResumeReading()
    {
        _offer |= _readingPaused;
        _readingPaused = false;
    }

    /// <inheritdoc/>
    public void SetWriteBufferLimits(int? highBytes = null, int? lowBytes = null) => _output.SetLimits(highBytes, lowBytes);

    private void Arrive(ReadOnlySpan<byte> data)
    {
        if (_eofArrived)
        {
            throw new InvalidOperationException("The peer sends nothing after its EOF.");
        }

        if (!data.IsEmpty && !IsClosing)
        {
            _input.Add(data.ToArray());
            _offer = true;
        }
    }

    // One callback at most; false when there is nothing to call.
    private bool Step()
    {
        if (_lost)
        {
            return false;
        }

        if (_output.TakeResume())
        {
            Call(_protocol.ResumeWriting);
            return true;
        }

        if (_closing)
        {
            if (_output.WriteBufferSize > 0)
            {
                return false;
            }

            _lost = true;
            Call(() => _protocol.ConnectionLost(_lostException));
            return true;
        }

        if (_readingPaused || _eofDelivered)
        {
            return false;
        }

        if (_offer && _input.Count > 0)
        {
            _offer = false;
            Call(Offer);
            return true;
        }

        if (_eofArrived)
        {
            _eofDelivered = true;
            Call(DeliverEof);
            return true;
        }

        return false;
    }

    private void Offer()
    {
        using LentSequence lent = new(_input, Coalesces);
        if (_protocol is IBufferedProtocol buffered)
        {
            SequencePosition consumed = buffered.DataReceived(lent.Sequence);
            Consume(lent.Sequence.Slice(0, consumed).Length);
            return;
        }

        foreach (ReadOnlyMemory<byte> segment in lent.Sequence)
        {
            Consume(segment.Length);
            _protocol.DataReceived(segment.Span);
            if (!IsReading || _protocol is IBufferedProtocol)
            {
                _offer = true;
                return;
            }
        }
    }

    private void DeliverEof()
    {
        using LentSequence lent = new(_input, Coalesces);
        _input.Clear();
        bool keepOpen = _protocol is IBufferedProtocol buffered ? buffered.EofReceived(lent.Sequence) : _protocol.EofReceived();
        if (!keepOpen)
        {
            Close();
        }
    }

    private void Consume(long bytes)
    {
        while (bytes > 0)
        {
            byte[] first = _input[0];
            if (first.Length > bytes)
            {
                _input[0] = first[(int)bytes..];
                return;
            }

            bytes -= first.Length;
            _input.RemoveAt(0);
        }
    }

    private void Call(Action callback)
    {
        try
        {
            callback();
        }
        catch (ProtocolViolationException violation) when (!_lost)
        {
            _lostException ??= violation;
            Close();
        }
        catch (Exception exception) when (!_lost)
        {
            // The user's fault: the protocol hears of it as on a server, and so does the test.
            _lostException ??= exception;
            Abort();
            _lost = true;
            _protocol.ConnectionLost(_lostException);
            throw;
        }
    }
}
