using System.Buffers.Binary;
using System.Net;

namespace ProtoServer;

/// <summary>What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 one. Default: no address.</summary>
internal readonly record struct AddressKey(ulong Bits, byte Family)
{
    public static AddressKey Of(EndPoint? endPoint)
    {
        if (endPoint is not IPEndPoint { Address: { } address })
        {
            return default;
        }
        Span<byte> bytes = stackalloc byte[16];
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }
        address.TryWriteBytes(bytes, out int length);
        return length == 4
            ? new AddressKey(BinaryPrimitives.ReadUInt32BigEndian(bytes), 4)
            : new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), 6);
    }
}
