using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>A connection as it comes out of the middleware: its last pipes, and an end that unwinds the middleware before it ends the connection below. Loop thread only.</summary>
internal sealed class MiddlewareConnection(MiddlewareRun run, ConnectionContext below, ConnectionContext last) : ConnectionContext
{
    private Task? _disposing;

    public override IDuplexPipe Transport
    {
        get => last.Transport;
        set => last.Transport = value;
    }

    public override string ConnectionId
    {
        get => last.ConnectionId;
        set => last.ConnectionId = value;
    }

    public override IDictionary<object, object?> Items
    {
        get => last.Items;
        set => last.Items = value;
    }

    public override IFeatureCollection Features => last.Features;

    public override EndPoint? LocalEndPoint
    {
        get => last.LocalEndPoint;
        set => last.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => last.RemoteEndPoint;
        set => last.RemoteEndPoint = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => last.ConnectionClosed;
        set => last.ConnectionClosed = value;
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        last.Abort(abortReason);
        below.Abort(abortReason);
    }

    public override ValueTask DisposeAsync() => new(_disposing ??= EndAsync());

    private async Task EndAsync()
    {
        if (last is LoopConnection && last != below)
        {
            // Pipes of the middleware's: what was written is handed to it before it unwinds.
            await last.DisposeAsync();
        }
        await run.EndAsync();
    }
}
