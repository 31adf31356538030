using System.Net;
using System.Net.Sockets;

namespace ProtoServer;

/// <summary>From what a user calls a host to the addresses to bind.</summary>
internal static class ListenAddresses
{
    /// <summary>The addresses of <paramref name="host"/>, each once; null or empty means every IPv6 and every IPv4 address of the machine.</summary>
    /// <exception cref="SocketException">The name has no address.</exception>
    public static IReadOnlyList<IPAddress> Resolve(string? host)
    {
        if (string.IsNullOrEmpty(host))
        {
            return [IPAddress.IPv6Any, IPAddress.Any];
        }
        if (IPAddress.TryParse(host, out IPAddress? literal))
        {
            return [literal];
        }
        try
        {
            IPAddress[] addresses = Dns.GetHostAddresses(host);
            return addresses.Length > 0 ? [.. addresses.Distinct()] : throw new SocketException((int)SocketError.NoData);
        }
        catch (SocketException exception)
        {
            throw new SocketException((int)exception.SocketErrorCode, $"Cannot listen on host '{host}': it has no address ({exception.Message}). Use an IP address, a name from /etc/hosts, or null for all addresses.");
        }
    }
}
