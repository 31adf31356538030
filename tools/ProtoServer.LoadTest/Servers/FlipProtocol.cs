using System.Buffers;

namespace ProtoServer.LoadTest.Servers;

/// <summary>An echo that changes a byte now and then.</summary>
internal sealed class FlipProtocol(FaultPlan plan) : EchoProtocol
{
    public override void DataReceived(ReadOnlySpan<byte> data)
    {
        IBufferWriter<byte> output = Transport!.Output;
        Span<byte> copy = output.GetSpan(data.Length)[..data.Length];
        data.CopyTo(copy);
        plan.Flip(copy);
        output.Advance(data.Length);
    }
}
