using System.Net;
using System.Net.Sockets;

namespace ProtoServer;

/// <summary>The portable transport: sockets of the runtime's, whose connections live on one event loop. Any thread.</summary>
internal sealed class SocketsTransport(EventLoop loop, EpollTransportOptions options) : ILoopTransport
{
    public ILoopListener Bind(EndPoint endPoint)
    {
        if (endPoint is UnixDomainSocketEndPoint unix)
        {
            return BindUnix(unix);
        }
        if (endPoint is not IPEndPoint)
        {
            throw new NotSupportedException($"The sockets transport listens on IP addresses and unix sockets, not on {endPoint}.");
        }
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                // Its own family only: the IPv4 side has a socket of its own.
                socket.DualMode = false;
            }
            // SO_REUSEADDR: the runtime sets it by itself on Unix before it binds; on Windows it would let others take the port, and is not needed.
            if (options.ReusePort)
            {
                SetReusePort(socket);
            }
            socket.Bind(endPoint);
            return new SocketsListener(loop, socket, options);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw SocketsErrors.Refusal("listen on", endPoint, exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private SocketsListener BindUnix(UnixDomainSocketEndPoint endPoint)
    {
        UnixSocketFile.MakeRoom(endPoint);
        if (OperatingSystem.IsLinux())
        {
            // Not by the runtime's bind: its socket removes the file at the end, even if it is another one by then.
            int descriptor = ListeningSocket.Bind(endPoint, options);
            var adopted = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            return new SocketsListener(loop, adopted, options) { File = UnixSocketFile.Bound(endPoint, options.UnixSocketMode) };
        }
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            UnixSocketFile.Bound(endPoint, options.UnixSocketMode);
            return new SocketsListener(loop, socket, options);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw SocketsErrors.Refusal("listen on", endPoint, exception);
        }
    }

    public ILoopListener Adopt(Socket socket) => SocketTakeover.TakeSocket(socket, own => new SocketsListener(loop, own, options));

    internal static void SetReusePort(Socket socket)
    {
        // The runtime has no name for it, and the numbers differ: SOL_SOCKET and SO_REUSEPORT.
        (int level, int option) = OperatingSystem.IsLinux() ? (1, 15)
            : OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD() ? (0xffff, 0x200)
            : throw new NotSupportedException("ReusePort needs SO_REUSEPORT, which this system does not have: give each server a port of its own.");
        socket.SetRawSocketOption(level, option, BitConverter.GetBytes(1));
    }
}
