using System.Buffers;
using KeyValue.Store;
using ProtoServer;
using Resp;

namespace KeyValue;

/// <summary>One connection: reads requests, has them carried out, sends the replies in order. Knows no command.</summary>
internal sealed partial class Session : FramingProtocol, IDrainingProtocol
{
    // Replies that wait for the disk or for another machine; beyond this nothing more is read until some have left.
    private const int MostHeldBytes = 64 * 1024;

    private readonly KeyValueServer _server;
    private readonly RespRequestReader _reader;
    private HeldReplies? _held;
    private long _deferred;
    private bool _paused;
    private bool _writingPaused;
    private bool _awaitsJournal;
    private bool _draining;
    private bool _looksForQuiet;
    private uint _activity; // deliveries, and replies that were let go
    private bool _heldTooMuch;
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

    /// <summary>Its place in the list of sessions; null when it is not in it.</summary>
    public LinkedListNode<Session>? Node { get; set; }

    public byte[] Name { get; set; } = [];

    /// <summary>Whether it is in the server's list of those that hold replies back.</summary>
    public bool IsWaiting { get; set; }

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

    /// <summary>Whether a request has begun and not ended.</summary>
    public bool IsInsideRequest => _reader.IsInsideRequest;

    /// <summary>Bytes of replies that have not left.</summary>
    public long OutputBytes => Transport.WriteBufferSize + (_held?.Length ?? 0);

    /// <summary>Where replies go now.</summary>
    public IBufferWriter<byte> Output => (IBufferWriter<byte>?)_held ?? Transport.Output;

    public System.Net.EndPoint? RemoteEndPoint => Transport.RemoteEndPoint;

    public System.Net.EndPoint? LocalEndPoint => Transport.LocalEndPoint;

    public bool IsClosing => Transport.IsClosing;

    protected override void ConnectionMade()
    {
        CreatedAt = ActiveAt = _server.Space.Clock.Tenths;
        ReadOnlySpan<byte> refusal = _server.Admit(this);
        if (!refusal.IsEmpty)
        {
            _stopped = true;
            Transport.Write(refusal);
            Transport.Close();
        }
    }

    protected override SequencePosition Deliver(in ReadOnlySequence<byte> data)
    {
        if (_stopped)
        {
            EndViolation();
            return data.End;
        }
        _activity++;
        _server.Space.Clock.Refresh();
        ActiveAt = _server.Space.Clock.Tenths;
        RespWriter reply = new(Output, Version);
        long consumed = 0;
        foreach (ReadOnlyMemory<byte> segment in data)
        {
            int used = Run(segment.Span, ref reply);
            consumed += used;
            if (used < segment.Length || _stopped || _paused)
            {
                break;
            }
        }
        Finish(ref reply);
        return data.GetPosition(consumed);
    }

    protected override void EndInsideFrame(in ReadOnlySequence<byte> unconsumed) => EndViolation();

    protected override bool EofReceived()
    {
        // A half-closed client still gets every reply that it is owed.
        _ended = _held is not null;
        return _ended;
    }

    protected override void PauseWriting()
    {
        _paused = _writingPaused = true;
        base.PauseWriting();
    }

    protected override void ResumeWriting()
    {
        _writingPaused = false;
        _paused = _awaitsJournal;
        base.ResumeWriting();
    }

    protected override void ConnectionLost(Exception? exception)
    {
        _stopped = true;
        _held?.Drop();
        _held = null;
        _heldTooMuch = _awaitsJournal = _ended = _draining = false;
        _server.Forget(this);
        if (exception is not null)
        {
            _server.LogLost(this, exception);
        }
    }

    protected override void ProtocolViolated(ProtocolViolationException violation)
    {
        if (_violation == RespViolation.RequestTooLarge)
        {
            _server.LogOversized(this);
            return;
        }
        RespWriter reply = new(Transport.Output, Version);
        reply.Error(System.Text.Encoding.Latin1.GetBytes(violation.Message));
        reply.Flush();
    }

    bool IDrainingProtocol.DrainStarted()
    {
        // With replies held back, and the next write's may be, the server cannot see that there is something left to say, nor that more is to be read after them.
        _draining = _held is not null || _server.Journal is not null;
        if (_draining)
        {
            CloseIfDone();
        }
        return _draining;
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
        Transport.Abort();
    }

    /// <summary>Writes something that is no reply. Not from within this session's own command.</summary>
    public void Push(ReadOnlySpan<byte> message)
    {
        if (!_stopped)
        {
            Output.Write(message);
            if (_held is { IsOverfull: true })
            {
                Abort();
            }
        }
    }

    private int Run(ReadOnlySpan<byte> input, ref RespWriter reply)
    {
        int position = 0;
        int prepared = 0;
        while (true)
        {
            if (position >= prepared && position < input.Length)
            {
                prepared = PrepareNext(input, position);
            }
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

    /// <summary>Lets the executor see what comes, and returns up to where it has.</summary>
    private int PrepareNext(ReadOnlySpan<byte> input, int position)
    {
        Span<Range> arguments = stackalloc Range[Database.MostWarmed];
        int found = RespLookahead.FirstArguments(input, ref position, arguments);
        if (found > 1)
        {
            _server.Executor.Prepare(this, input, arguments[..found]);
        }
        return position;
    }

    private void ExecuteSilently(scoped in RespRequest request, ref RespWriter reply)
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
        if (_held is { IsOverfull: true })
        {
            _server.LogCutOff(this);
            Abort();
            return;
        }
        if (_held is not null)
        {
            Release(default);
        }
        if (_stopped)
        {
            EndViolation();
            CloseIfDone();
        }
        if (_held is { Length: > MostHeldBytes } || _violation != RespViolation.None || _awaitsJournal)
        {
            _heldTooMuch = true;
            PauseReading();
        }
    }

    /// <summary>Ends a connection that broke the protocol, as soon as the replies that come before are out.</summary>
    private void EndViolation()
    {
        if (_violation != RespViolation.None && _held is null)
        {
            _server.Statistics.ProtocolErrors++;
            string text = _violation.ToReply(_reader.Found);
            Violate(text.Length > 0 ? text : $"A request of more than {_reader.Limits.MaxRequestBytes} bytes.");
        }
    }
}
