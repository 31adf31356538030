using System.Net;
using System.Net.Sockets;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Engine;

/// <summary>Opens connections to the target on one loop. Loop thread only.</summary>
internal sealed class Connector
{
    // Bytes that a reply may take beyond what is known of it: its head, and a neighbour's beginning.
    private const int InputSlackBytes = 64 * 1024;

    private readonly EventLoop _loop;
    private readonly EndPoint _endPoint;
    private readonly ClientOptions _options;

    public Connector(LoadPlan plan, EventLoop loop)
    {
        _loop = loop;
        Target target = plan.Target;
        _endPoint = target.UnixPath is not null ? new UnixDomainSocketEndPoint(target.UnixPath)
            : IPAddress.TryParse(target.Host, out IPAddress? address) ? new IPEndPoint(address, target.Port)
            : new DnsEndPoint(target.Host!, target.Port);
        _options = new ClientOptions
        {
            ConnectTimeout = plan.ConnectTimeout,
            InputLimitBytes = Math.Max(1024 * 1024, (plan.Content?.LongestReplyBytes ?? 0) + InputSlackBytes),
        };
    }

    /// <summary>Completes when the protocol's ConnectionMade has returned.</summary>
    /// <exception cref="ConnectException">The peer refused, did not answer within the plan's connect timeout, or cannot be reached.</exception>
    public Task ConnectAsync(Func<ClientLink> factory) => _loop.CreateConnectionAsync(factory, _endPoint, _options);
}
