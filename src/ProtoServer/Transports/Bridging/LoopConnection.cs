using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>Brings a connection from elsewhere to a loop: its pipes are used on the loop's thread only, and their continuations run there. Loop thread only.</summary>
/// <remarks>
/// Regular end: <see cref="DisposeAsync"/>, which hands over everything written, then disposes the connection below. Reset: <see cref="Abort(ConnectionAbortedException)"/>.
/// What the connection below can do remains so: a transport that closes both ways when its output ends cannot half-close here either.
/// </remarks>
internal sealed class LoopConnection : ConnectionContext, IDuplexPipe
{
    // After the thread pool has come to what the abort left with it: it may still be on its way on a thread that does not run.
    private const int LooksForAbort = 10;
    private static readonly TimeSpan s_lookForAbort = TimeSpan.FromMilliseconds(5);

    private readonly EventLoop _loop;
    private readonly ConnectionContext _inner;
    private readonly bool _ownsInner;
    private readonly LoopReader _reader;
    private readonly LoopWriter _writer;
    private IDuplexPipe? _transport;
    private CancellationTokenSource? _closed;
    private CancellationTokenRegistration _innerClosed;
    private Exception? _error;
    private Task? _disposing;
    private bool _aborted;

    /// <param name="loop">The loop.</param>
    /// <param name="inner">The connection, with the pipes to use.</param>
    /// <param name="options">Marks and limits.</param>
    /// <param name="ownsInner">False leaves it to somebody else to dispose the connection below: the end is the end of the pipes.</param>
    public LoopConnection(EventLoop loop, ConnectionContext inner, EpollTransportOptions options, bool ownsInner = true)
    {
        _loop = loop;
        _inner = inner;
        _ownsInner = ownsInner;
        _reader = new LoopReader(loop, inner.Transport.Input, options.InputLimitBytes, Lost, keepOpen: false);
        _writer = new LoopWriter(loop, inner.Transport.Output, options, null, Lost);
    }

    public PipeReader Input => _reader;

    public PipeWriter Output => _writer;

    public override IDuplexPipe Transport
    {
        get => _transport ?? this;
        set => _transport = value;
    }

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    /// <summary>Cancelled when the connection is lost; not by a regular end of the peer, which some transports below tell here too.</summary>
    public override CancellationToken ConnectionClosed
    {
        get
        {
            if (_closed is null)
            {
                _closed = new CancellationTokenSource();
                if (_error is not null || _disposing is not null)
                {
                    _closed.Cancel();
                }
                else
                {
                    _innerClosed = _inner.ConnectionClosed.UnsafeRegister(
                        static state => ((LoopConnection)state!)._loop.Post(static connection => connection._reader.LookForLoss(), (LoopConnection)state),
                        this);
                }
            }
            return _closed.Token;
        }
        set => throw new NotSupportedException("The transport owns its lifetime token.");
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _loop.VerifyThread();
        if (_error is null)
        {
            _reader.Abandon();
            AbortInner(abortReason);
            Lost(abortReason);
        }
    }

    public override ValueTask DisposeAsync()
    {
        _loop.VerifyThread();
        return new ValueTask(_disposing ??= CloseAsync());
    }

    /// <inheritdoc/>
    public override string ToString() => $"connection {RemoteEndPoint}";

    private async Task CloseAsync()
    {
        _writer.Complete();
        await _writer.Finished;
        _reader.Complete();
        _innerClosed.Unregister();
        if (_ownsInner)
        {
            await AbortIsDoneAsync();
            await _inner.DisposeAsync();
        }
        _closed?.Cancel(_loop, nameof(ConnectionClosed), this);
    }

    private void AbortInner(ConnectionAbortedException abortReason)
    {
        _aborted = true;
        try
        {
            _inner.Abort(abortReason);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            _loop.Report("A transport's Abort threw; its connection ends all the same.", exception, null, this);
        }
    }

    // DefaultConnectionContext cancels its token on the thread pool; disposed before that, it throws there, and the process ends. One that aborts in its own way may never cancel it: so not for ever.
    private async Task AbortIsDoneAsync()
    {
        for (int look = 0; _aborted && look < LooksForAbort && _inner is DefaultConnectionContext { ConnectionClosed.IsCancellationRequested: false }; look++)
        {
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            ThreadPool.UnsafeQueueUserWorkItem(static turn => turn.SetResult(), turn, preferLocal: false);
            await turn.Task;
            if (look > 0)
            {
                await Task.Delay(s_lookForAbort, _loop.TimeProvider);
            }
        }
    }

    // From the reader, the writer or Abort: all of them learn of it, in the next iteration and not inside anybody's call.
    private Exception Lost(Exception exception)
    {
        if (_error is null)
        {
            _error = AsConnectionException(exception);
            _loop.Post(static connection => connection.TellLost(), this);
        }
        return _error;
    }

    private void TellLost()
    {
        _reader.Fail(_error!);
        _writer.Lose(_error!);
        _closed?.Cancel(_loop, nameof(ConnectionClosed), this);
    }

    // asyncio's families: a reset is a reset whichever transport saw it. What no network does is somebody's defect, and would be logged at Debug only.
    private Exception AsConnectionException(Exception exception)
    {
        switch (exception)
        {
            case IOException or ConnectionAbortedException or ProtocolViolationException:
                return exception;
            case System.Net.Sockets.SocketException socket:
                return SocketsErrors.ToConnectionException(socket);
            case ObjectDisposedException or OperationCanceledException:
                // The connection below ended before we noticed.
                break;
            default:
                _loop.Report("A connection's transport failed, not its network; the connection ends.", exception, null, this);
                break;
        }
        return new IOException($"The connection failed: {exception.Message}", exception);
    }
}
