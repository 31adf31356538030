using System.Buffers;
using System.Net;
using KeyValue.Store;
using ProtoServer;
using Resp;

namespace KeyValue;

/// <summary>Whether a client wants replies.</summary>
internal enum ReplyMode
{
    On,

    /// <summary>Not to the next command.</summary>
    SkipNext,

    /// <summary>Not to this command; then on.</summary>
    Skip,

    Off,
}

/// <summary>One connection: reads requests, has them carried out, sends the replies in order. Knows no command.</summary>
internal sealed class Session : IBufferedProtocol
{
    // Replies that wait for the disk or for another machine; beyond this nothing more is read until some have left.
    private const int MostHeldBytes = 64 * 1024;

    private readonly KeyValueServer _server;
    private readonly RespRequestReader _reader;
    private ITransport _transport = null!;
    private HeldReplies? _held;
    private long _deferred;
    private bool _paused;
    private bool _readingPaused;
    private bool _stopped;
    private bool _ended;
    private RespViolation _violation;

    public Session(KeyValueServer server, long id)
    {
        _server = server;
        Id = id;
        IsAuthenticated = server.Password is null;
        _reader = new RespRequestReader(IsAuthenticated ? server.Limits : RespLimits.BeforeAuthentication, server.Scratch);
    }

    public long Id { get; }

    public byte[] Name { get; set; } = [];

    /// <summary>What the client library calls itself.</summary>
    public string LibraryName { get; set; } = "";

    public string LibraryVersion { get; set; } = "";

    /// <summary>The number of the selected database.</summary>
    public int DatabaseNumber { get; set; }

    public Database Database => _server.Space[DatabaseNumber];

    /// <summary>The version of the protocol, 2 or 3.</summary>
    public int Version { get; set; } = 2;

    public ReplyMode ReplyMode { get; set; }

    public bool IsMonitor { get; set; }

    public bool IsAuthenticated { get; private set; }

    /// <summary>When it connected and when it last sent something, in tenths of a second of the server's clock.</summary>
    public uint CreatedAt { get; private set; }

    public uint ActiveAt { get; private set; }

    /// <summary>The full name of the last command, as CLIENT LIST tells it.</summary>
    public string LastCommand { get; set; } = "NULL";

    /// <summary>Bytes of a request that has begun and not ended.</summary>
    public int InputBytes => _reader.BufferedBytes;

    /// <summary>Bytes of replies that have not left.</summary>
    public long OutputBytes => _transport.WriteBufferSize + (_held?.Length ?? 0);

    /// <summary>Where replies go now.</summary>
    public IBufferWriter<byte> Output => (IBufferWriter<byte>?)_held ?? _transport.Output;

    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    public EndPoint? LocalEndPoint => _transport.LocalEndPoint;

    public bool IsClosing => _transport.IsClosing;

    public void ConnectionMade(ITransport transport)
    {
        _transport = transport;
        CreatedAt = ActiveAt = _server.Space.Clock.Tenths;
        ReadOnlySpan<byte> refusal = _server.Admit(this);
        if (!refusal.IsEmpty)
        {
            _stopped = true;
            transport.Write(refusal);
            transport.Close();
        }
    }

    public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
    {
        if (_stopped)
        {
            EndViolation();
            return data.End;
        }
        _server.Space.Clock.Refresh();
        ActiveAt = _server.Space.Clock.Tenths;
        RespWriter reply = new(Output, Version);
        if (data.IsSingleSegment)
        {
            int consumed = Run(data.FirstSpan, ref reply);
            Finish(ref reply);
            return consumed == data.FirstSpan.Length ? data.End : data.GetPosition(consumed);
        }
        long total = 0;
        foreach (ReadOnlyMemory<byte> segment in data)
        {
            int consumed = Run(segment.Span, ref reply);
            total += consumed;
            if (consumed < segment.Length || _stopped || _paused)
            {
                break;
            }
        }
        Finish(ref reply);
        return data.GetPosition(total);
    }

    public bool EofReceived()
    {
        // A half-closed client still gets every reply that it is owed.
        _ended = _held is not null;
        return _ended;
    }

    public void PauseWriting() => _paused = true;

    public void ResumeWriting()
    {
        _paused = false;
        ResumeReading();
    }

    public void ConnectionLost(Exception? exception)
    {
        _stopped = true;
        _held?.Drop();
        _held = null;
        _server.Forget(this);
    }

    /// <summary>Gives the client the limits of those who know the password.</summary>
    public void Authenticate()
    {
        IsAuthenticated = true;
        _reader.Limits = _server.Limits;
    }

    /// <summary>Makes the connection what it was when it was new.</summary>
    public void Reset()
    {
        Name = [];
        DatabaseNumber = 0;
        Version = 2;
        ReplyMode = ReplyMode.On;
        IsMonitor = false;
        IsAuthenticated = _server.Password is null;
        _reader.Limits = IsAuthenticated ? _server.Limits : RespLimits.BeforeAuthentication;
    }

    /// <summary>Reads the server's limits again, after they were changed.</summary>
    public void RefreshLimits() => _reader.Limits = IsAuthenticated ? _server.Limits : RespLimits.BeforeAuthentication;

    /// <summary>Closes after the reply to the request at hand; what was sent behind that is not carried out.</summary>
    public void CloseAfterReply()
    {
        _stopped = true;
        _ended = true;
    }

    /// <summary>Closes from outside a request of its own; replies that are owed are sent.</summary>
    public void Close()
    {
        CloseAfterReply();
        CloseIfDone();
    }

    /// <summary>Drops what is owed and resets the connection.</summary>
    public void Abort()
    {
        _stopped = true;
        _transport.Abort();
    }

    /// <summary>Writes something that is no reply. Not from within this session's own command.</summary>
    public void Push(ReadOnlySpan<byte> message)
    {
        if (!_stopped)
        {
            Output.Write(message);
        }
    }

    /// <summary>Says that the reply to the request at hand comes later.</summary>
    public PendingReply Defer(ref RespWriter reply)
    {
        Hold(ref reply);
        long gate = --_deferred;
        _held!.Close(gate);
        return new PendingReply(this, gate);
    }

    internal void Answer(long gate, byte[] reply)
    {
        if (_held is not null)
        {
            _held.Answer(gate, reply);
            Release(default);
        }
    }

    /// <summary>Redirects replies so that the next one can wait; <see cref="Gate"/> says for what.</summary>
    public void Hold(ref RespWriter reply)
    {
        if (_held is null)
        {
            _held = new HeldReplies();
            _server.Waiting.Add(this);
        }
        reply.Redirect(_held);
        _held.Close(0);
    }

    /// <summary>Makes the reply just written wait for <paramref name="batch"/> of the journal; 0 for none.</summary>
    public void Gate(ref RespWriter reply, long batch)
    {
        reply.Flush();
        _held!.Close(batch);
    }

    /// <summary>Sends what need no longer wait.</summary>
    /// <param name="failure">When not empty, the reply to every write that is not safe.</param>
    /// <returns>Whether something still waits.</returns>
    public bool Release(ReadOnlySpan<byte> failure)
    {
        if (_held is null)
        {
            return false;
        }
        _held.Release(_server.Journal?.Committed ?? 0, failure, _transport.Output);
        if (!_held.IsEmpty)
        {
            if (_held.Length < MostHeldBytes / 2)
            {
                ResumeReading();
            }
            return true;
        }
        _held.Drop();
        _held = null;
        CloseIfDone();
        ResumeReading();
        return false;
    }

    private int Run(ReadOnlySpan<byte> input, ref RespWriter reply)
    {
        int position = 0;
        while (true)
        {
            RespReadResult result = _reader.Read(input, ref position, out RespRequest request);
            if (result != RespReadResult.Request)
            {
                if (result == RespReadResult.Violation)
                {
                    _violation = _reader.Violation;
                    _stopped = true;
                    // One octet is left with the transport, so that it calls again once the replies before are out.
                    return input.Length - 1;
                }
                return position;
            }
            if (ReplyMode == ReplyMode.On)
            {
                _server.Executor.Execute(this, in request, ref reply);
            }
            else
            {
                ExecuteSilently(in request, ref reply);
            }
            if (_stopped)
            {
                return input.Length;
            }
            if (_paused || _held is { Length: > MostHeldBytes })
            {
                return position;
            }
        }
    }

    private void ExecuteSilently(in RespRequest request, ref RespWriter reply)
    {
        ReplyMode = ReplyMode == ReplyMode.SkipNext ? ReplyMode.Skip : ReplyMode;
        reply.Redirect(DiscardedOutput.Instance);
        _server.Executor.Execute(this, in request, ref reply);
        if (ReplyMode == ReplyMode.Skip)
        {
            ReplyMode = ReplyMode.On;
        }
        reply.Redirect(Output);
    }

    private void Finish(ref RespWriter reply)
    {
        reply.Flush();
        if (_held is not null)
        {
            Release(default);
        }
        if (_stopped)
        {
            EndViolation();
            CloseIfDone();
        }
        if (_paused || _held is { Length: > MostHeldBytes } || _violation != RespViolation.None)
        {
            _readingPaused = true;
            _transport.PauseReading();
        }
    }

    /// <summary>Ends a connection that broke the protocol, as soon as the replies that come before are out.</summary>
    private void EndViolation()
    {
        if (_violation == RespViolation.None || _held is not null)
        {
            return;
        }
        string text = _violation.ToReply(_reader.Found);
        _violation = RespViolation.None;
        _server.Statistics.ProtocolErrors++;
        if (text.Length == 0)
        {
            text = $"A request of more than {_reader.Limits.MaxRequestBytes} bytes.";
            _server.LogOversized(this);
        }
        else
        {
            RespWriter reply = new(_transport.Output, Version);
            reply.Error(System.Text.Encoding.Latin1.GetBytes(text));
            reply.Flush();
        }
        throw new ProtocolViolationException(text);
    }

    private void CloseIfDone()
    {
        if (_ended && _held is null)
        {
            _transport.Close();
        }
    }

    private void ResumeReading()
    {
        if (_readingPaused && !_paused)
        {
            _readingPaused = false;
            _transport.ResumeReading();
        }
    }
}
