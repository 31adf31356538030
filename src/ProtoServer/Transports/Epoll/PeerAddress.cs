using System.Buffers.Binary;
using System.Net;

namespace ProtoServer;

/// <summary>An IPv4 or IPv6 address and port in 24 bytes: what accept(2) told us, kept per connection without an object. Unset where the family is another.</summary>
internal readonly struct PeerAddress
{
    public const int MaxNativeLength = 28; // sizeof(struct sockaddr_in6)

    private readonly ulong _high;
    private readonly ulong _low;
    private readonly uint _scope;
    private readonly ushort _port;
    private readonly byte _family;

    private PeerAddress(ulong high, ulong low, uint scope, ushort port, byte family)
    {
        (_high, _low, _scope, _port, _family) = (high, low, scope, port, family);
    }

    public bool IsSet => _family != 0;

    /// <summary>From a <c>struct sockaddr</c>: the family in host order, the rest in network order.</summary>
    public static PeerAddress Read(ReadOnlySpan<byte> native)
    {
        if (native.Length < 16)
        {
            return default;
        }
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(native[2..]);
        switch (BitConverter.ToUInt16(native))
        {
            case SocketNative.InterNetwork:
                return new PeerAddress(0, BinaryPrimitives.ReadUInt32BigEndian(native[4..]), 0, port, SocketNative.InterNetwork);
            case SocketNative.InterNetworkV6 when native.Length >= MaxNativeLength:
                return new PeerAddress(BinaryPrimitives.ReadUInt64BigEndian(native[8..]), BinaryPrimitives.ReadUInt64BigEndian(native[16..]), BitConverter.ToUInt32(native[24..]), port, SocketNative.InterNetworkV6);
            default:
                return default;
        }
    }

    /// <summary>Into a <c>struct sockaddr</c>; returns its length.</summary>
    public static uint Write(IPEndPoint endPoint, Span<byte> native)
    {
        native.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(native[2..], (ushort)endPoint.Port);
        if (endPoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
        {
            BitConverter.TryWriteBytes(native, (ushort)SocketNative.InterNetwork);
            endPoint.Address.TryWriteBytes(native[4..], out _);
            return 16;
        }
        BitConverter.TryWriteBytes(native, (ushort)SocketNative.InterNetworkV6);
        endPoint.Address.TryWriteBytes(native[8..], out _);
        BitConverter.TryWriteBytes(native[24..], (uint)endPoint.Address.ScopeId);
        return MaxNativeLength;
    }

    public IPEndPoint? ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        switch ((int)_family)
        {
            case SocketNative.InterNetwork:
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_low);
                return new IPEndPoint(new IPAddress(bytes[..4]), _port);
            case SocketNative.InterNetworkV6:
                BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
                BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _low);
                return new IPEndPoint(new IPAddress(bytes, _scope), _port);
            default:
                return null;
        }
    }
}
