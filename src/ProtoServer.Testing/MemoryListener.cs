using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Testing;

/// <summary>An address of a <see cref="MemoryNetwork"/> on which somebody listens. Any thread.</summary>
internal sealed class MemoryListener(EndPoint endPoint, Action<MemoryListener> forget) : IConnectionListener
{
    // As a kernel's: then connects are refused.
    private const int Backlog = 512;

    private readonly Channel<MemoryConnection> _waiting = Channel.CreateBounded<MemoryConnection>(Backlog);

    public EndPoint EndPoint { get; } = endPoint;

    public bool TryAdd(MemoryConnection connection) => _waiting.Writer.TryWrite(connection);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_waiting.Reader.TryRead(out MemoryConnection? connection))
            {
                return connection;
            }
        }
        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        forget(this);
        _waiting.Writer.TryComplete();
        // As a kernel does with its backlog.
        while (_waiting.Reader.TryRead(out MemoryConnection? connection))
        {
            connection.Abort();
        }
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
