using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The connecting side of the portable transport. Loop thread only.</summary>
internal sealed class SocketsConnector(EventLoop loop, EpollTransportOptions options, IPEndPoint? local) : ILoopConnector
{
    // Between attempts at a unix socket whose backlog is full.
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(100);

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
        for (TimeSpan pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
            try
            {
                Bind(socket);
                await ConnectAsync(socket, endPoint, cancellationToken);
                return new SocketsConnection(loop, socket, options, endPoint);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock && endPoint is UnixDomainSocketEndPoint)
            {
                // The backlog is full. On TCP the kernel would try again by itself; here it leaves that to us, without telling when.
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
            await Task.Delay(pause, loop.TimeProvider, cancellationToken);
        }
    }

    public ConnectionContext Adopt(Socket socket) => SocketTakeover.TakeSocket(socket, own => new SocketsConnection(loop, own, options));

    private static async Task ConnectAsync(Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            if (endPoint is IPEndPoint && endPoint.Equals(socket.LocalEndPoint))
            {
                // To itself: without a listener, TCP's simultaneous open can do that on loopback.
                throw new SocketException((int)SocketError.ConnectionRefused);
            }
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
