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
        if (Literal(host) is { } literal)
        {
            return literal;
        }
        try
        {
            return Known(Dns.GetHostAddresses(host!));
        }
        catch (SocketException exception)
        {
            throw Unknown(host, exception);
        }
    }

    /// <inheritdoc cref="Resolve"/>
    public static async Task<IReadOnlyList<IPAddress>> ResolveAsync(string? host, CancellationToken cancellationToken)
    {
        if (Literal(host) is { } literal)
        {
            return literal;
        }
        try
        {
            return Known(await Dns.GetHostAddressesAsync(host!, cancellationToken).ConfigureAwait(false));
        }
        catch (SocketException exception)
        {
            throw Unknown(host, exception);
        }
    }

    private static IPAddress[]? Literal(string? host) =>
        string.IsNullOrEmpty(host) ? [IPAddress.IPv6Any, IPAddress.Any] : IPAddress.TryParse(host, out IPAddress? literal) ? [literal] : null;

    private static IPAddress[] Known(IPAddress[] addresses) => addresses.Length > 0 ? [.. addresses.Distinct()] : throw new SocketException((int)SocketError.NoData);

    private static SocketException Unknown(string? host, SocketException exception) =>
        new((int)exception.SocketErrorCode, $"Cannot listen on host '{host}': it has no address ({exception.Message}). Use an IP address, a name from /etc/hosts, or null for all addresses.");
}
