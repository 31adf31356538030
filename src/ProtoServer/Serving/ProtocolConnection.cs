using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>Runs a protocol over a connection's pipes: the driver. It is the protocol's <see cref="ITransport"/>, and holds the grammar of <see cref="IProtocol"/>.</summary>
/// <remarks>
/// Loop thread only. Works over any <see cref="ConnectionContext"/> that lives on the loop; one from elsewhere is brought there first, see <see cref="LoopConnection"/>. Whatever ends the connection, the end itself
/// runs in one place, <see cref="Finish"/>, and never inside a call of the protocol's.
/// </remarks>
internal sealed partial class ProtocolConnection : IServedConnection, IWatchedConnection, ITransport, IBufferWriter<byte>, IByteReceiver, IFlushable
{
    private readonly ConnectionContext _connection;
    private readonly IConnectionOwner _owner;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly ISendQueue _queue; // _output, which can tell what is unsent
    private IProtocol _protocol;
    private IBufferedProtocol? _buffered; // _protocol, where it is one
    private Exception? _error; // what ConnectionLost will be told
    private long _made; // Loop.Time
    private ConnectionDeadlines? _deadlines; // where an option asks for them
    private CallHandle? _deadline; // of closing
    private bool _closing; // Close, Abort or the end of the peer: no more data, no more writes
    private bool _lost; // ConnectionLost was called

    public ProtocolConnection(EventLoop loop, ConnectionContext connection, IProtocol protocol, IConnectionOwner owner)
    {
        Loop = loop;
        _connection = connection;
        _owner = owner;
        _input = connection.Transport.Input;
        _output = connection.Transport.Output;
        _queue = (ISendQueue)_output;
        if (_input is EpollReader reader)
        {
            reader.Receiver = this;
        }
        _protocol = protocol;
        _buffered = protocol as IBufferedProtocol;
        _high = owner.ConnectionOptions.WriteHighWaterBytes;
        _low = owner.ConnectionOptions.WriteLowWaterBytes;
    }

    public int OwnerIndex { get; set; }

    public EventLoop Loop { get; }

    public EndPoint? LocalEndPoint => _connection.LocalEndPoint;

    public EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    public IFeatureCollection Features => _connection.Features;

    public bool IsClosing => _closing;

    public bool CanWriteEof => true;

    public IProtocol Protocol
    {
        get => _protocol;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            Loop.VerifyThread();
            _protocol = value;
            _buffered = value as IBufferedProtocol;
            if (_held)
            {
                // What the predecessor left is the new one's, at once and not with the peer's next bytes.
                ScheduleRead(evenWhilePending: true);
            }
        }
    }

    /// <summary>Tells the protocol that it is connected, and begins to read.</summary>
    public void Start()
    {
        _made = Loop.Time.Ticks;
        // Before the protocol writes: that may stall already.
        _deadlines = ConnectionDeadlines.Begin(this, _owner.ConnectionOptions);
        using Calling call = new(this, nameof(IProtocol.ConnectionMade));
        try
        {
            _protocol.ConnectionMade(this);
        }
        catch (Exception exception)
        {
            Blame(exception, nameof(IProtocol.ConnectionMade));
        }
        if (_closing)
        {
            return;
        }
        ReadMore();
    }

    public bool TellDraining()
    {
        if (_closing || _protocol is not IDrainingProtocol draining)
        {
            return false;
        }
        using Calling call = new(this, nameof(IDrainingProtocol.DrainStarted));
        try
        {
            return draining.DrainStarted();
        }
        catch (Exception exception)
        {
            Blame(exception, nameof(IDrainingProtocol.DrainStarted));
            return false;
        }
    }

    public bool IsQuiet(int iterations) => IsSilent(iterations) && !HasHeldInput && WriteBufferSize == 0;

    /// <inheritdoc/>
    public override string ToString() => $"{_protocol.GetType().Name} of {RemoteEndPoint}";

    /// <summary>A callback threw: the peer's fault is answered and closed, any other is reported and resets this connection.</summary>
    private void Blame(Exception exception, string callback)
    {
        if (exception is ProtocolViolationException violation)
        {
            Violated(violation);
            return;
        }
        if (exception is LoopAbortException leave)
        {
            // The loop is left, but not in the middle of a read: the connection ends as after any other throw.
            Loop.LeaveSoon(leave);
        }
        else
        {
            Loop.Report("A protocol callback threw; its connection is aborted.", exception, $"{_protocol.GetType().Name}.{callback}", this);
        }
        _error ??= exception;
        Abort();
    }

    private void Violated(ProtocolViolationException violation)
    {
        if (Loop.Logs(Microsoft.Extensions.Logging.LogLevel.Debug))
        {
            Loop.TryLog(Microsoft.Extensions.Logging.LogLevel.Debug, null, $"{this}: {violation.Message}");
        }
        _error ??= violation;
        Close();
    }

    /// <summary>One of <see cref="ConnectionDeadlines"/> has passed.</summary>
    void IWatchedConnection.DeadlineMissed(TimeoutException missed, bool abort)
    {
        if (_closing)
        {
            return;
        }
        _error ??= missed;
        if (abort)
        {
            Abort();
        }
        else
        {
            Close();
        }
    }
}
