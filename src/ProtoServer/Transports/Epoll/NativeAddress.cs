using System.Net;
using System.Net.Sockets;

namespace ProtoServer;

/// <summary>Between an <see cref="EndPoint"/> and the kernel's <c>struct sockaddr</c>.</summary>
internal static class NativeAddress
{
    /// <summary>sizeof(struct sockaddr_storage).</summary>
    public const int MaxLength = 128;

    private const int PathOffset = 2; // of sun_path in struct sockaddr_un

    /// <exception cref="NotSupportedException">Not an address that the epoll transport knows.</exception>
    public static int Family(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } => SocketNative.InterNetworkV6,
        IPEndPoint => SocketNative.InterNetwork,
        UnixDomainSocketEndPoint => SocketNative.Unix,
        _ => throw new NotSupportedException($"The epoll transport knows IP addresses and unix sockets, not {endPoint}: CreateServer and CreateConnectionAsync resolve a name first."),
    };

    /// <summary>Writes the address; returns its length.</summary>
    public static uint Write(EndPoint endPoint, Span<byte> native)
    {
        if (endPoint is not UnixDomainSocketEndPoint unix)
        {
            return PeerAddress.Write((IPEndPoint)endPoint, native);
        }
        native.Clear();
        SocketAddress address = unix.Serialize();
        ReadOnlySpan<byte> path = address.Buffer.Span[PathOffset..Math.Min(address.Size, MaxLength)];
        path.CopyTo(native[PathOffset..]);
        BitConverter.TryWriteBytes(native, (ushort)SocketNative.Unix);
        // A path ends with a NUL. An abstract name begins with one, and each byte that is counted belongs to it: no padding.
        return (uint)(PathOffset + (path[0] == 0 ? path.TrimEnd((byte)0).Length : path.IndexOf((byte)0) is var end and >= 0 ? end + 1 : path.Length + 1));
    }

    /// <summary>From the kernel; null where the socket has no name, as a connecting unix socket has none.</summary>
    public static EndPoint? Read(ReadOnlySpan<byte> native)
    {
        if (PeerAddress.Read(native).ToEndPoint() is { } ip)
        {
            return ip;
        }
        if (native.Length <= PathOffset || BitConverter.ToUInt16(native) != SocketNative.Unix)
        {
            return null;
        }
        ReadOnlySpan<byte> path = native[PathOffset..];
        return new UnixDomainSocketEndPoint(System.Text.Encoding.UTF8.GetString(path[0] == 0 ? path : path.TrimEnd((byte)0)));
    }
}
