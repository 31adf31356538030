using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The connecting side of a transport of ours as <c>CreateConnectionAsync</c> uses it: without the bridge to other threads. Loop thread only.</summary>
internal interface ILoopConnector
{
    /// <summary>Connects to one address; the connection lives on the loop. Cancelled, it has closed what it opened before the task ends.</summary>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">An address that this transport does not know.</exception>
    Task<ConnectionContext> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken);

    /// <summary>Takes over a connected socket; the object given is of no use afterwards.</summary>
    ConnectionContext Adopt(Socket socket);
}
