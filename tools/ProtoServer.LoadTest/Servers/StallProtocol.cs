namespace ProtoServer.LoadTest.Servers;

/// <summary>An echo whose first bytes set the clock for the freeze going.</summary>
internal sealed class StallProtocol(FaultPlan plan) : EchoProtocol
{
    public override void DataReceived(ReadOnlySpan<byte> data)
    {
        plan.ArmStall(Transport!.Loop);
        Transport.Write(data);
    }
}
