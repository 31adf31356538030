using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>A loop's connection for users on other threads, such as Kestrel: a pair of <see cref="Pipe"/>s, carried to and fro by the loop. Any thread.</summary>
internal sealed class OffLoopConnection : ConnectionContext, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature
{
    // As Kestrel's own transport has it: enough to keep both sides busy.
    private const int PipeBytes = 64 * 1024;

    private readonly EventLoop _loop;
    private readonly ConnectionContext _inner;
    private readonly Pipe _received;
    private readonly Pipe _toSend;
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _running;
    private IDuplexPipe? _transport;
    private IDictionary<object, object?>? _items;

    /// <summary>Loop thread.</summary>
    public OffLoopConnection(EventLoop loop, ConnectionContext inner)
    {
        _loop = loop;
        _inner = inner;
        ConnectionId = inner.ConnectionId;
        LocalEndPoint = inner.LocalEndPoint;
        RemoteEndPoint = inner.RemoteEndPoint;
        _received = new Pipe(new PipeOptions(readerScheduler: PipeScheduler.ThreadPool, writerScheduler: loop.Scheduler, pauseWriterThreshold: PipeBytes, resumeWriterThreshold: PipeBytes / 2, useSynchronizationContext: false));
        _toSend = new Pipe(new PipeOptions(readerScheduler: loop.Scheduler, writerScheduler: PipeScheduler.ThreadPool, pauseWriterThreshold: PipeBytes, resumeWriterThreshold: PipeBytes / 2, useSynchronizationContext: false));
        Features = MakeFeatures();
        _running = RunAsync();
    }

    public PipeReader Input => _received.Reader;

    public PipeWriter Output => _toSend.Writer;

    public override string ConnectionId { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override IFeatureCollection Features { get; }

    public override IDuplexPipe Transport
    {
        get => _transport ?? this;
        set => _transport = value;
    }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new Dictionary<object, object?>();
        set => _items = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => _closed.Token;
        set => throw new NotSupportedException("The transport owns its lifetime token.");
    }

    public override void Abort(ConnectionAbortedException abortReason) =>
        _loop.Post(static call => call.connection._inner.Abort(call.abortReason), (connection: this, abortReason));

    /// <summary>Sends what was flushed, then closes; waits for it. Bound it by <see cref="Abort(ConnectionAbortedException)"/>: a peer may never read.</summary>
    public override async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync();
        await Input.CompleteAsync();
        _loop.Post(static connection => connection._inner.Transport.Input.CancelPendingRead(), this);
        await _running;
    }

    // The halves end each for itself: a peer that has said all is still answered, and heard when we have.
    private async Task RunAsync()
    {
        try
        {
            await Task.WhenAll(ReceiveAsync(), SendAsync());
            await _inner.DisposeAsync();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            _loop.Report("Carrying a connection to another thread failed.", exception, null, this);
            _inner.Abort(new ConnectionAbortedException(exception.Message));
        }
    }

    private async Task ReceiveAsync()
    {
        PipeReader from = _inner.Transport.Input;
        PipeWriter to = _received.Writer;
        Exception? error = null;
        try
        {
            while (true)
            {
                ReadResult result = await from.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    to.Write(segment.Span);
                }
                from.AdvanceTo(result.Buffer.End);
                FlushResult flushed = await to.FlushAsync();
                if (result.IsCompleted || result.IsCanceled || flushed.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            error = exception;
            // A reset also ends what is on its way out.
            _toSend.Reader.CancelPendingRead();
        }
        await to.CompleteAsync(error);
        // Also after a regular end of the peer, as Kestrel's own transport does. On the pool: the registrations are the user's, and no business of the loop's.
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection._closed.Cancel(connection._loop, nameof(ConnectionClosed), connection), this, preferLocal: false);
    }

    private async Task SendAsync()
    {
        PipeReader from = _toSend.Reader;
        PipeWriter to = _inner.Transport.Output;
        Exception? error = null;
        try
        {
            while (true)
            {
                ReadResult result = await from.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    to.Write(segment.Span);
                }
                from.AdvanceTo(result.Buffer.End);
                FlushResult flushed = await to.FlushAsync();
                if (result.IsCompleted || result.IsCanceled || flushed.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            // The user completed its output with an error: the peer shall not take what it has for all.
            error = exception;
        }
        await from.CompleteAsync();
        if (error is not null)
        {
            _inner.Abort(new ConnectionAbortedException("The output was completed with an error.", error));
        }
        else
        {
            await to.CompleteAsync();
        }
    }

    private FeatureCollection MakeFeatures()
    {
        var features = new FeatureCollection();
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        return features;
    }
}
