using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Testing;

/// <summary>One end of a connection in memory. Any thread.</summary>
internal sealed class MemoryConnection : DefaultConnectionContext, IDuplexPipe
{
    private static long s_count;

    private readonly CancellationTokenSource _closed = new();
    private MemoryConnection? _peer;

    private MemoryConnection(PipeReader input, PipeWriter output, EndPoint? local, EndPoint? remote) : base($"memory {Interlocked.Increment(ref s_count)}")
    {
        Input = input;
        Output = output;
        Transport = this;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        ConnectionClosed = _closed.Token;
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public static (MemoryConnection Client, MemoryConnection Server) MakePair(EndPoint? client, EndPoint server, int bufferBytes)
    {
        var options = new PipeOptions(pauseWriterThreshold: bufferBytes, resumeWriterThreshold: Math.Max(1, bufferBytes / 2), useSynchronizationContext: false);
        Pipe up = new(options);
        Pipe down = new(options);
        var first = new MemoryConnection(down.Reader, up.Writer, client, server);
        var second = new MemoryConnection(up.Reader, down.Writer, server, client);
        first._peer = second;
        second._peer = first;
        return (first, second);
    }

    /// <summary>A reset: the peer's reads throw, its flushes are told that it is over.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        Output.Complete(new ConnectionResetException("The peer reset the connection."));
        Input.CancelPendingRead();
        Input.Complete();
        _closed.Cancel();
        _peer!._closed.Cancel();
    }

    /// <summary>Regular end: what was flushed stays readable for the peer.</summary>
    public override async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync().ConfigureAwait(false);
        await Input.CompleteAsync().ConfigureAwait(false);
        await _closed.CancelAsync().ConfigureAwait(false);
    }
}
