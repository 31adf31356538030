using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The connecting side of the portable transport. Loop thread only.</summary>
internal sealed class SocketsConnector(EventLoop loop, EpollTransportOptions options, IPEndPoint? local) : ILoopConnector
{
    public async Task<ConnectionContext> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        if (endPoint is not IPEndPoint and not UnixDomainSocketEndPoint)
        {
            throw new NotSupportedException($"The sockets transport connects to IP addresses and unix sockets, not to {endPoint}.");
        }
        if (local is not null && local.AddressFamily != endPoint.AddressFamily)
        {
            throw new SocketException((int)SocketError.AddressFamilyNotSupported, $"Cannot connect from {local} to {endPoint}: they are of different address families.");
        }
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            Bind(socket);
            await ConnectAsync(socket, endPoint, cancellationToken);
            return new SocketsConnection(loop, socket, options, endPoint);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public ConnectionContext Adopt(Socket socket) => SocketTakeover.TakeSocket(socket, own => new SocketsConnection(loop, own, options));

    private static async Task ConnectAsync(Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
        }
        catch (SocketException exception)
        {
            throw SocketsErrors.Refusal("connect to", endPoint, exception);
        }
    }

    private void Bind(Socket socket)
    {
        if (local is null)
        {
            return;
        }
        try
        {
            socket.Bind(local);
        }
        catch (SocketException exception)
        {
            throw SocketsErrors.Refusal("connect from the local address", local, exception);
        }
    }
}
