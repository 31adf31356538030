using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>The PROXY protocol as middleware: a server behind a proxy sees its clients' addresses.</summary>
public static class ProxyProtocol
{
    /// <summary>
    /// Connections from <paramref name="trusted"/> must begin with a PROXY header, of version 1 or 2; <see cref="ITransport.RemoteEndPoint"/> and <see cref="ITransport.LocalEndPoint"/> are then
    /// what it says. All others are served as they are: a header that they send is data like any other, so nobody can pretend.
    /// </summary>
    /// <param name="options">Where to add it; before what needs the client's address, and before TLS.</param>
    /// <param name="trusted">The proxies. At least one; a server that is reached by proxies only should listen where nobody else comes.</param>
    /// <param name="timeout">How long a trusted proxy may take to send the header; then the connection is closed. Default 5 s, more than zero, a day at most.</param>
    /// <exception cref="ArgumentException">No trusted source is named.</exception>
    public static ServerOptions UseProxyProtocol(this ServerOptions options, IEnumerable<IPNetwork> trusted, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(trusted);
        IPNetwork[] networks = [.. trusted];
        if (networks.Length == 0)
        {
            throw new ArgumentException("Name at least one proxy to trust, such as IPNetwork.Parse(\"10.0.0.0/8\"): otherwise no header is ever read.", nameof(trusted));
        }
        TimeSpan limit = timeout ?? TimeSpan.FromSeconds(5);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(timeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, TimeSpan.FromDays(1), nameof(timeout));
        return options.Use(next => connection => IsTrusted(connection.RemoteEndPoint, networks) ? ReadHeaderAsync(connection, next, limit) : next(connection));
    }

    private static bool IsTrusted(EndPoint? endPoint, IPNetwork[] networks)
    {
        if (endPoint is not IPEndPoint { Address: { } address })
        {
            return false;
        }
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return networks.Any(network => network.Contains(plain));
    }

    private static async Task ReadHeaderAsync(ConnectionContext connection, ConnectionDelegate next, TimeSpan limit)
    {
        PipeReader input = connection.Transport.Input;
        using (var timeout = new CancellationTokenSource(limit, EventLoop.Current!.TimeProvider))
        {
            while (true)
            {
                ReadResult result;
                try
                {
                    result = await input.ReadAsync(timeout.Token);
                }
                catch (OperationCanceledException)
                {
                    throw new ProtocolViolationException($"A trusted proxy sent no PROXY protocol header within {limit}.");
                }
                if (ProxyHeader.TryParse(result.Buffer, out ProxyHeader header, out SequencePosition end))
                {
                    input.AdvanceTo(end);
                    connection.RemoteEndPoint = header.Source ?? connection.RemoteEndPoint;
                    connection.LocalEndPoint = header.Destination ?? connection.LocalEndPoint;
                    break;
                }
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                if (result.IsCompleted)
                {
                    throw new ProtocolViolationException("A trusted proxy ended the connection within its PROXY protocol header.");
                }
            }
        }
        await next(connection);
    }
}
