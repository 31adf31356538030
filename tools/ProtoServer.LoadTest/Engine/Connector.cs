using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Engine;

/// <summary>Opens connections to the target on one loop. Loop thread only.</summary>
internal sealed class Connector(LoadPlan plan, EventLoop loop)
{
    /// <summary>Completes when the protocol's ConnectionMade has returned.</summary>
    /// <exception cref="TimeoutException">It took longer than the plan's connect timeout.</exception>
    /// <exception cref="IOException">The peer refused, or the network failed.</exception>
    public Task ConnectAsync(Func<IProtocol> factory)
    {
        throw new NotSupportedException($"{plan.Target} {loop.Name} {factory}");
    }
}
