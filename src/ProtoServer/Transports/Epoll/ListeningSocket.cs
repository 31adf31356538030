using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>Opens sockets for listening: socket, options, bind, and later listen. Any thread.</summary>
internal static unsafe class ListeningSocket
{
    /// <summary>Binds; the socket refuses connections until <see cref="Listen"/>. With <paramref name="bothFamilies"/> every IPv6 address stands for every IPv4 address too.</summary>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">Not an address that the epoll transport knows.</exception>
    public static int Bind(EndPoint endPoint, EpollTransportOptions options, bool bothFamilies = false)
    {
        int fd = SocketNative.Socket(NativeAddress.Family(endPoint), SocketNative.Stream | SocketNative.NonBlocking | SocketNative.CloseOnExec, 0);
        if (fd < 0)
        {
            throw Failure("open a socket for", endPoint);
        }
        try
        {
            if (endPoint is IPEndPoint)
            {
                SetOptions(fd, endPoint, options, bothFamilies && endPoint is IPEndPoint { Address: { } address } && address.Equals(IPAddress.IPv6Any));
            }
            byte* native = stackalloc byte[NativeAddress.MaxLength];
            uint length = NativeAddress.Write(endPoint, new Span<byte>(native, NativeAddress.MaxLength));
            if (SocketNative.Bind(fd, native, length) != 0)
            {
                throw Failure("listen on", endPoint);
            }
            return fd;
        }
        catch
        {
            _ = SocketNative.Close(fd);
            throw;
        }
    }

    /// <summary>SO_REUSEPORT after the bind: that bind has made sure that nobody else had the port, and further sockets may join it now.</summary>
    public static void ShareAddress(int fd, EndPoint endPoint) => Set(fd, SocketNative.SolSocket, SocketNative.ReusePort, 1, endPoint);

    /// <summary>Connections are welcome from now on. Again, it only sets the backlog.</summary>
    public static void Listen(int fd, EndPoint endPoint, int backlog)
    {
        if (SocketNative.Listen(fd, backlog) != 0)
        {
            throw Failure("listen on", endPoint);
        }
    }

    /// <summary>Makes a listening descriptor from elsewhere ours; returns what it is bound to.</summary>
    /// <exception cref="ArgumentException">Not a stream socket.</exception>
    public static EndPoint Adopt(int fd, EpollTransportOptions options)
    {
        MakeNonBlocking(fd);
        EndPoint endPoint = LocalEndPoint(fd);
        if (endPoint is IPEndPoint)
        {
            SetInherited(fd, endPoint, options);
        }
        return endPoint;
    }

    /// <summary>Makes a descriptor from elsewhere fit for the poller.</summary>
    /// <exception cref="ArgumentException">Not a stream socket.</exception>
    public static void MakeNonBlocking(int fd)
    {
        int type = SocketNative.GetOption(fd, SocketNative.SolSocket, SocketNative.SocketType);
        if (type != SocketNative.Stream)
        {
            throw new ArgumentException(type < 0 ? $"Descriptor {fd} is not a socket." : $"Descriptor {fd} is not a stream socket: only stream sockets accept connections.", nameof(fd));
        }
        const int getFlags = 3, setFlags = 4;
        int flags = SocketNative.FileControl(fd, getFlags, 0);
        _ = SocketNative.FileControl(fd, setFlags, flags | SocketNative.NonBlocking);
    }

    /// <summary>The address that a socket is bound to, with the real port.</summary>
    public static EndPoint LocalEndPoint(int fd)
    {
        byte* native = stackalloc byte[NativeAddress.MaxLength];
        uint length = NativeAddress.MaxLength;
        if (SocketNative.GetSocketName(fd, native, &length) != 0)
        {
            throw Failure("read the address of", new IPEndPoint(IPAddress.None, 0));
        }
        return NativeAddress.Read(new ReadOnlySpan<byte>(native, (int)Math.Min(length, NativeAddress.MaxLength))) ?? new IPEndPoint(IPAddress.None, 0);
    }

    private static void SetOptions(int fd, EndPoint endPoint, EpollTransportOptions options, bool dualStack)
    {
        if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // Whatever net.ipv6.bindv6only says. Usually its own family only: the IPv4 side has a socket of its own.
            Set(fd, SocketNative.IPv6, SocketNative.IPv6Only, dualStack ? 0 : 1, endPoint);
        }
        if (options.ReuseAddress)
        {
            Set(fd, SocketNative.SolSocket, SocketNative.ReuseAddress, 1, endPoint);
        }
        if (options.ReusePort)
        {
            Set(fd, SocketNative.SolSocket, SocketNative.ReusePort, 1, endPoint);
        }
        SetInherited(fd, endPoint, options);
    }

    // Accepted sockets inherit these from the listener on Linux: no system call per connection.
    private static void SetInherited(int fd, EndPoint endPoint, EpollTransportOptions options)
    {
        if (options.NoDelay)
        {
            Set(fd, SocketNative.Tcp, SocketNative.NoDelay, 1, endPoint);
        }
        if (options.KeepAlive)
        {
            Set(fd, SocketNative.SolSocket, SocketNative.KeepAlive, 1, endPoint);
        }
    }

    private static void Set(int fd, int level, int option, int value, EndPoint endPoint)
    {
        if (!SocketNative.TrySetOption(fd, level, option, value))
        {
            throw Failure("set a socket option for", endPoint);
        }
    }

    private static SocketException Failure(string what, EndPoint endPoint)
    {
        int errno = Marshal.GetLastPInvokeError();
        string hint = errno != Errno.AddressInUse ? ""
            : endPoint is UnixDomainSocketEndPoint ? " Something that is no socket is there: remove it, or choose another path."
            : " Another server listens there: stop it, or choose another port (0 picks a free one).";
        return Errno.ToSocketException(errno, $"Cannot {what} {endPoint}", hint);
    }
}
