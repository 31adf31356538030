using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Pipelines.Sockets.Unofficial;
using ConnectionAbortedException = Microsoft.AspNetCore.Connections.ConnectionAbortedException;
using ConnectionResetException = Microsoft.AspNetCore.Connections.ConnectionResetException;

namespace ProtoServer;

/// <summary>A connected <see cref="Socket"/> on a loop, through Pipelines.Sockets.Unofficial, as a <see cref="ConnectionContext"/>. Loop thread only; owns the socket.</summary>
/// <remarks>
/// Behaves as <see cref="EpollConnection"/> does. What the package lacks for that is made up for here: it tells nobody when everything was sent, drops what is queued when it is disposed,
/// stops reading when its input is completed (so that close(2) would reset), knows no reset of its own, and has exception types of its own.
/// </remarks>
internal sealed class SocketsConnection : ConnectionContext, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionSocketFeature
{
    // The package reads ahead up to here; then the kernel's buffer holds the peer back. Also what one connection gets per iteration.
    private const int ReadAheadBytes = 64 * 1024;

    private static long s_count;

    private readonly EventLoop _loop;
    private readonly SocketConnection _pipes;
    private readonly EpollTransportOptions _options;
    private readonly LoopReader _reader;
    private readonly LoopWriter _writer;
    private string? _id;
    private IDictionary<object, object?>? _items;
    private FeatureCollection? _features;
    private IDuplexPipe? _transport;
    private CancellationTokenSource? _closed;
    private Exception? _error;
    private Task? _disposing;
    private bool _dead; // the socket is closed

    /// <summary>Takes over a connected socket and begins to read.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="socket">Connected.</param>
    /// <param name="options">What the connection is allowed.</param>
    /// <param name="remote">The peer's address, where it is known: a socket that the peer has reset meanwhile has none any more.</param>
    public SocketsConnection(EventLoop loop, Socket socket, EpollTransportOptions options, EndPoint? remote = null)
    {
        _loop = loop;
        _options = options;
        Socket = socket;
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            socket.NoDelay = options.NoDelay;
            if (options.KeepAlive)
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            }
        }
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = remote ?? socket.RemoteEndPoint;
        SocketsLoop.Of(loop).Add(this);
        // Sending: a threshold of one byte makes a flush of the pipe mean that everything has left for the kernel.
        var sending = new PipeOptions(readerScheduler: new EagerScheduler(loop), writerScheduler: loop.Scheduler, pauseWriterThreshold: 1, resumeWriterThreshold: 1, useSynchronizationContext: false);
        var receiving = new PipeOptions(readerScheduler: loop.Scheduler, writerScheduler: loop.Scheduler, pauseWriterThreshold: ReadAheadBytes, resumeWriterThreshold: ReadAheadBytes / 2, useSynchronizationContext: false);
        _pipes = SocketConnection.Create(socket, sending, receiving);
        _reader = new LoopReader(loop, _pipes.Input, options.InputLimitBytes, Lost, keepOpen: true);
        _writer = new LoopWriter(loop, _pipes.Output, options, () => _pipes.BytesSent, Lost);
#pragma warning disable CS0618 // Obsolete, for pipes that are not Pipe: the package's is one, and nothing else tells of a reset while nobody reads.
        _pipes.Input.OnWriterCompleted(static (exception, state) => ((SocketsConnection)state!).ReceivingEnded(exception), this);
#pragma warning restore CS0618
    }

    public Socket Socket { get; }

    public PipeReader Input => _reader;

    public PipeWriter Output => _writer;

    public override IDuplexPipe Transport
    {
        get => _transport ?? this;
        set => _transport = value;
    }

    public override string ConnectionId
    {
        get => _id ??= $"{_loop.Name}-s{Interlocked.Increment(ref s_count)}";
        set => _id = value;
    }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new Dictionary<object, object?>();
        set => _items = value;
    }

    public override IFeatureCollection Features => _features ??= MakeFeatures();

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override CancellationToken ConnectionClosed
    {
        get
        {
            if (_closed is null)
            {
                _closed = new CancellationTokenSource();
                if (_dead)
                {
                    _closed.Cancel();
                }
            }
            return _closed.Token;
        }
        set => throw new NotSupportedException("The transport owns its lifetime token.");
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _loop.VerifyThread();
        Lost(abortReason);
    }

    /// <summary>Sends what is queued, then FIN, then closes without letting a reset overtake the last answer. Bound it: a peer that never reads makes it wait for ever, until <see cref="Abort(ConnectionAbortedException)"/>.</summary>
    public override ValueTask DisposeAsync()
    {
        _loop.VerifyThread();
        return new ValueTask(_disposing ??= CloseAsync());
    }

    /// <inheritdoc/>
    public override string ToString() => $"connection {RemoteEndPoint}";

    private async Task CloseAsync()
    {
        _reader.Complete();
        _writer.Complete();
        await _writer.Finished;
        if (!_dead && !_loop.IsClosed && !_reader.IsAtEnd && _options.LingerTimeout > TimeSpan.Zero && (_reader.DroppedInput || HasUnreadInput()))
        {
            // close(2) with unread input sends RST, which may overtake our last bytes at the peer: only a peer that has said all, or says nothing now, is closed at once.
            await _reader.DiscardAsync(_options.LingerTimeout);
        }
        CloseSocket(reset: false);
        _reader.Release();
        _closed?.Cancel(_loop, nameof(ConnectionClosed), this);
    }

    private bool HasUnreadInput()
    {
        try
        {
            return Socket.Available > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // The pipe's receiving end, also while nobody reads: a reset is acted upon all the same.
    private void ReceivingEnded(Exception? exception)
    {
        if (exception is not null && !_dead)
        {
            _loop.Post(static call => call.connection.Lost(call.exception), (connection: this, exception));
        }
    }

    // From the reader, the writer, the package or Abort: all of them learn of it, in the next iteration and not inside anybody's call.
    private Exception Lost(Exception exception)
    {
        exception = AsConnectionException(exception);
        if (exception is ProtocolViolationException)
        {
            // The reader's own, about its limit: the connection is sound, and whoever reads decides.
            return exception;
        }
        if (!_dead)
        {
            _error = exception;
            CloseSocket(reset: true);
            _loop.Post(static connection => connection.TellLost(), this);
        }
        return _error ?? exception;
    }

    private void TellLost()
    {
        _reader.Fail(_error!);
        _writer.Lose(_error!);
        _closed?.Cancel(_loop, nameof(ConnectionClosed), this);
    }

    private void CloseSocket(bool reset)
    {
        if (_dead)
        {
            return;
        }
        _dead = true;
        SocketsLoop.Of(_loop).Remove(this);
        try
        {
            if (reset)
            {
                Socket.LingerState = new LingerOption(true, 0);
                Socket.Close(0);
            }
        }
        catch (SocketException)
        {
            // The peer was faster: there is nothing left to reset.
        }
        Socket.Dispose();
    }

    private static Exception AsConnectionException(Exception exception) => exception switch
    {
        SocketException socket => SocketsErrors.ToConnectionException(socket),
        Pipelines.Sockets.Unofficial.ConnectionResetException { InnerException: SocketException socket } => SocketsErrors.ToConnectionException(socket),
        Pipelines.Sockets.Unofficial.ConnectionResetException => new ConnectionResetException("The peer reset the connection.", exception),
        IOException { InnerException: SocketException socket } and not ConnectionResetException => SocketsErrors.ToConnectionException(socket),
        IOException or ConnectionAbortedException or ProtocolViolationException => exception,
        _ => new IOException($"The connection failed: {exception.Message}", exception),
    };

    private FeatureCollection MakeFeatures()
    {
        var features = new FeatureCollection();
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        features.Set<IConnectionSocketFeature>(this);
        return features;
    }
}
