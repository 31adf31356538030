using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace ProtoServer.Tests;

/// <summary>Clients on Kestrel's socket transport, which has no public connector of its own: a connected socket, and its pipes.</summary>
internal sealed class KestrelConnector : IConnectionFactory
{
    private static readonly SocketConnectionContextFactory s_contexts = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken);
            return s_contexts.Create(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
