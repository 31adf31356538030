using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>Opens sockets for connecting: socket, options, bind where asked for, connect. Any thread.</summary>
internal static unsafe class ConnectingSocket
{
    /// <summary>A socket fit to connect to <paramref name="remote"/>, bound to <paramref name="local"/> if one is given.</summary>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    public static int Open(EndPoint remote, IPEndPoint? local, EpollTransportOptions options)
    {
        if (local is not null && local.AddressFamily != remote.AddressFamily)
        {
            throw new SocketException((int)SocketError.AddressFamilyNotSupported, $"Cannot connect from {local} to {remote}: they are of different address families.");
        }
        int fd = SocketNative.Socket(NativeAddress.Family(remote), SocketNative.Stream | SocketNative.NonBlocking | SocketNative.CloseOnExec, 0);
        if (fd < 0)
        {
            throw Errno.ToSocketException(Marshal.GetLastPInvokeError(), $"Cannot open a socket for {remote}");
        }
        try
        {
            Prepare(fd, remote, options);
            if (local is not null)
            {
                Bind(fd, local);
            }
            return fd;
        }
        catch
        {
            _ = SocketNative.Close(fd);
            throw;
        }
    }

    /// <summary>Sets the options of a connection; a failure means no more than that the option is not in force.</summary>
    public static void Prepare(int fd, EndPoint? remote, EpollTransportOptions options)
    {
        if (remote is not IPEndPoint)
        {
            return;
        }
        if (options.NoDelay)
        {
            _ = SocketNative.TrySetOption(fd, SocketNative.Tcp, SocketNative.NoDelay, 1);
        }
        if (options.KeepAlive)
        {
            _ = SocketNative.TrySetOption(fd, SocketNative.SolSocket, SocketNative.KeepAlive, 1);
        }
    }

    /// <summary>connect(2); returns 0, or its errno.</summary>
    public static int Connect(int fd, EndPoint remote)
    {
        byte* native = stackalloc byte[NativeAddress.MaxLength];
        uint length = NativeAddress.Write(remote, new Span<byte>(native, NativeAddress.MaxLength));
        return SocketNative.Connect(fd, native, length) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Whether the socket is connected to itself: with a port in the ephemeral range and no listener, TCP's simultaneous open can do that on loopback.</summary>
    public static bool IsConnectedToItself(int fd, EndPoint remote) =>
        remote is IPEndPoint { Address: { } address } && IPAddress.IsLoopback(address) && ListeningSocket.LocalEndPoint(fd).Equals(remote);

    private static void Bind(int fd, IPEndPoint local)
    {
        // SO_REUSEADDR as for asyncio's local_addr: a fixed local port is of use again while an old connection lingers in TIME_WAIT.
        _ = SocketNative.TrySetOption(fd, SocketNative.SolSocket, SocketNative.ReuseAddress, 1);
        byte* native = stackalloc byte[NativeAddress.MaxLength];
        uint length = NativeAddress.Write(local, new Span<byte>(native, NativeAddress.MaxLength));
        if (SocketNative.Bind(fd, native, length) != 0)
        {
            throw Errno.ToSocketException(Marshal.GetLastPInvokeError(), $"Cannot connect from the local address {local}");
        }
    }
}
