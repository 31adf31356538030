using System.Net;
using Microsoft.AspNetCore.Connections;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests;

/// <summary>An address that answers no connect, at <see cref="BlackHole.Address"/>.</summary>
internal abstract class SilentAddress : IDisposable
{
    /// <summary>Connects to it that are under way.</summary>
    public abstract int Waiting { get; }

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>One of the kernel's.</summary>
internal sealed class SilentListener(int port) : SilentAddress
{
    private readonly BlackHole _hole = new(port);

    // One is the hole's own.
    public override int Waiting => Within.ConnectionsTo(_hole.EndPoint) - 1;

    public override void Dispose() => _hole.Dispose();
}

/// <summary>A connector that never answers for that address.</summary>
internal sealed class SilentConnector(IConnectionFactory inner) : IConnectionFactory
{
    private int _waiting;

    /// <summary>Whether the address is silent rather than refused.</summary>
    public bool IsSilent { get; set; }

    public int Waiting => Volatile.Read(ref _waiting);

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (!IsSilent || endpoint is not IPEndPoint { Address: { } address } || !address.Equals(BlackHole.Address))
        {
            return await inner.ConnectAsync(endpoint, cancellationToken);
        }
        Interlocked.Increment(ref _waiting);
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("Waited for ever.");
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}

/// <summary>The address of such a connector.</summary>
internal sealed class SilentConnect(SilentConnector connector) : SilentAddress
{
    public override int Waiting => connector.Waiting;
}
