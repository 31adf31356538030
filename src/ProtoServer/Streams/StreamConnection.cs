using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>A connection for code that awaits: asyncio's StreamReader and StreamWriter as <see cref="PipeReader"/> and <see cref="PipeWriter"/>.</summary>
/// <remarks>
/// Loop thread only; an await comes back there by itself, unless it says <c>ConfigureAwait(false)</c>. Received bytes belong to the reader until they are advanced; written bytes are copied.
/// Source: <see href="https://docs.python.org/3/library/asyncio-stream.html">asyncio, Streams</see>.
/// </remarks>
public sealed class StreamConnection : IDuplexPipe, IAsyncDisposable, IWatchedConnection
{
    private readonly ConnectionContext _connection;
    private readonly ConnectionOptions _options;
    private readonly DrainingReader _input;
    private readonly PipeWriter _output;
    private readonly ConnectionDeadlines? _deadlines; // where an option asks for them
    private readonly WatchedReader? _watched; // likewise
    private readonly CancellationTokenSource _shutdown = new();
    private int _lineLimitBytes = 64 * 1024;
    private DuplexStream? _stream;
    private Task? _end;
    private bool _aborted;

    internal StreamConnection(EventLoop loop, ConnectionContext connection, ConnectionOptions options)
    {
        Loop = loop;
        _connection = connection;
        _options = options;
        PipeReader input = connection.Transport.Input;
        _deadlines = ConnectionDeadlines.Begin(this, options);
        if (_deadlines is not null)
        {
            input = _watched = new WatchedReader(input, _deadlines);
        }
        _output = new BoundedWriter(connection.Transport.Output, options.WriteLimitBytes, CutOff, _deadlines);
        _input = new DrainingReader(loop, input);
    }

    /// <summary>The loop that this connection lives on.</summary>
    public EventLoop Loop { get; }

    /// <summary>
    /// What the peer sends. One read at a time. A reset fails the pending read with a <see cref="ConnectionResetException"/>; a deadline of <see cref="ConnectionOptions"/> that was missed fails it, or the
    /// next one, with a <see cref="TimeoutException"/>.
    /// </summary>
    public PipeReader Input => _input;

    /// <summary>
    /// What goes to the peer. <c>FlushAsync</c> waits while more than <see cref="ConnectionOptions.WriteHighWaterBytes"/> are unsent; once the peer is gone it returns
    /// <see cref="FlushResult.IsCompleted"/>. <c>Complete</c> ends our half and leaves the peer's open. Who does not wait is bounded too: a flush that finds more than
    /// <see cref="ConnectionOptions.WriteLimitBytes"/> of earlier ones unsent aborts the connection.
    /// </summary>
    public PipeWriter Output => _output;

    /// <summary>Our end's address. Null where the transport has none.</summary>
    public EndPoint? LocalEndPoint => _connection.LocalEndPoint;

    /// <summary>The peer's address. Null where the transport has none.</summary>
    public EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    /// <summary>What the connection below offers beyond this class.</summary>
    public IFeatureCollection Features => _connection.Features;

    /// <summary>
    /// Cancelled when the connection is to end soon: the server drains, or closes its clients. What was received can still be read and answered; a read that would have to wait throws
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    public CancellationToken ShutdownToken => _shutdown.Token;

    /// <summary>A longer line ends <see cref="ReadLineAsync"/> with a <see cref="ProtocolViolationException"/>. Default 64 KiB without the line's end, at least 1.</summary>
    public int LineLimitBytes
    {
        get => _lineLimitBytes;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _lineLimitBytes = value;
        }
    }

    /// <summary>The next line, decoded as UTF-8, without its LF or CRLF; null at the end. What follows the last LF counts as a line, if it is not empty.</summary>
    /// <exception cref="ProtocolViolationException">The line is longer than <see cref="LineLimitBytes"/>.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled, or the connection is about to close and no whole line was received.</exception>
    public async ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ReadResult result = await Input.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            SequencePosition? end = buffer.PositionOf((byte)'\n');
            ReadOnlySequence<byte> line = end is { } at ? buffer.Slice(0, at) : buffer;
            if (line.Length > LineLimitBytes + 1 || (line.Length > LineLimitBytes && TrimReturn(line).Length > LineLimitBytes))
            {
                Input.AdvanceTo(buffer.Start, buffer.End);
                throw new ProtocolViolationException($"A line is longer than {LineLimitBytes} bytes.");
            }
            if (end is { } found)
            {
                string text = Encoding.UTF8.GetString(TrimReturn(line));
                Input.AdvanceTo(buffer.GetPosition(1, found));
                return text;
            }
            if (result.IsCompleted)
            {
                string? rest = line.IsEmpty ? null : Encoding.UTF8.GetString(line);
                Input.AdvanceTo(buffer.End);
                return rest;
            }
            Input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCanceled)
            {
                ShutdownToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>All lines to the end, see <see cref="ReadLineAsync"/>.</summary>
    public async IAsyncEnumerable<string> ReadLinesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }

    /// <summary>Writes <paramref name="line"/> as UTF-8 with an LF behind it, and flushes.</summary>
    public ValueTask<FlushResult> WriteLineAsync(ReadOnlySpan<char> line, CancellationToken cancellationToken = default)
    {
        Encoding.UTF8.GetBytes(line, Output);
        Output.Write("\n"u8);
        return Output.FlushAsync(cancellationToken);
    }

    /// <summary>The connection as a <see cref="Stream"/>, for code that wants one; each asynchronous write is flushed, what <c>Write</c> took by <c>Flush</c>. Disposing it ends the connection. Asynchronous members only where something may have to wait: a wait on the loop's thread never ends.</summary>
    public Stream AsStream() => _stream ??= new DuplexStream(this);

    /// <summary>Drops what is queued and resets the connection: the pending read fails.</summary>
    public void Abort() => Abort("The connection was aborted by its handler or its server.");

    /// <summary>Sends what was written, then closes; bounded by <see cref="ConnectionOptions.CloseTimeout"/>, after which the connection is aborted. A server does this by itself when the handler returns.</summary>
    public ValueTask DisposeAsync()
    {
        Loop.VerifyThread();
        return new ValueTask(_end ??= EndAsync());
    }

    /// <inheritdoc/>
    public override string ToString() => $"stream of {RemoteEndPoint}";

    /// <summary>Whether the handler waits for input, has for that many iterations, and everything is sent.</summary>
    internal bool IsQuiet(int iterations) => _input.IsWaiting(iterations) && Output.UnflushedBytes == 0;

    /// <summary>The deadline that was missed: what ends the handler then is not its own fault.</summary>
    internal TimeoutException? Missed { get; private set; }

    long IWatchedConnection.WriteBufferSize => ConnectionDeadlines.UnsentBytes(_connection.Transport.Output);

    void IWatchedConnection.DeadlineMissed(TimeoutException missed, bool abort)
    {
        if (Missed is not null || _end is not null)
        {
            return;
        }
        Missed = missed;
        _watched!.Fail(missed);
        if (abort)
        {
            Abort();
        }
        else
        {
            // Its reads fail from now on; one that does something else than read has this long.
            Loop.CallLater(_options.CloseTimeout, static connection => connection.AbortUnlessOver(), this);
        }
    }

    /// <summary>Whether the transport below is gone: what the handler meets then is not its own fault.</summary>
    internal bool IsLost => _aborted || _connection.ConnectionClosed.IsCancellationRequested;

    /// <summary>Loop thread: cancels the token, and reads that would have to wait if <paramref name="alsoReads"/>.</summary>
    internal void Shutdown(bool alsoReads)
    {
        if (alsoReads)
        {
            // First, or the token's callbacks could begin a read that nothing ends.
            _input.Stop(_shutdown.Token);
        }
        _shutdown.Cancel(Loop, nameof(ShutdownToken), this);
    }

    private void CutOff() => Abort($"The peer does not read: more than {_options.WriteLimitBytes} bytes were waiting for it when more was written.");

    private void Abort(string reason)
    {
        Loop.VerifyThread();
        if (!_aborted)
        {
            _aborted = true;
            _connection.Abort(new ConnectionAbortedException(reason));
        }
    }

    private void AbortUnlessOver()
    {
        if (_end is null)
        {
            Abort();
        }
    }

    private async Task EndAsync()
    {
        _deadlines?.Stop();
        _input.Complete();
        ValueTask disposal = _connection.DisposeAsync();
        if (disposal.IsCompleted || Loop.IsClosed)
        {
            await disposal;
            return;
        }
        var givenUp = new TaskCompletionSource();
        CallHandle? deadline = null;
        void Press()
        {
            if (_aborted)
            {
                // A transport from elsewhere may hang, or middleware: that must not keep the server from ending.
                Loop.Report($"A connection did not end within {_options.CloseTimeout} of its abort; it is given up.", new TimeoutException("The transport did not end the connection."), null, this);
                givenUp.SetResult();
                return;
            }
            Abort();
            deadline = Loop.CallLater(_options.CloseTimeout, Press);
        }
        deadline = Loop.CallLater(_options.CloseTimeout, Press);
        Task disposing = disposal.AsTask();
        try
        {
            await await Task.WhenAny(disposing, givenUp.Task);
        }
        finally
        {
            deadline.Cancel();
        }
    }

    private static ReadOnlySequence<byte> TrimReturn(in ReadOnlySequence<byte> line) =>
        !line.IsEmpty && line.Slice(line.Length - 1).FirstSpan[0] == (byte)'\r' ? line.Slice(0, line.Length - 1) : line;
}
