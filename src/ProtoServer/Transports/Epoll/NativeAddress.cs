using System.Net;

namespace ProtoServer;

/// <summary>From an <see cref="EndPoint"/> to the kernel's <c>struct sockaddr</c>.</summary>
internal static class NativeAddress
{
    /// <summary>sizeof(struct sockaddr_storage).</summary>
    public const int MaxLength = 128;

    /// <exception cref="NotSupportedException">Not an address that the epoll transport knows.</exception>
    public static int Family(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } => SocketNative.InterNetworkV6,
        IPEndPoint => SocketNative.InterNetwork,
        _ => throw new NotSupportedException($"The epoll transport knows IP addresses, not {endPoint}: resolve a name first, as CreateConnectionAsync does."),
    };

    /// <summary>Writes the address; returns its length.</summary>
    public static uint Write(EndPoint endPoint, Span<byte> native) => PeerAddress.Write((IPEndPoint)endPoint, native);
}
