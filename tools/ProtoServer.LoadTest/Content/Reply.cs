namespace ProtoServer.LoadTest.Content;

/// <summary>What was found at the beginning of the received bytes.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Bytes that it takes; 0 when incomplete.</param>
/// <param name="Sequence">The request that it answers. Those between the oldest one and this were overtaken: their replies will not come.</param>
internal readonly record struct Reply(ReplyKind Kind, int Length, uint Sequence)
{
    public static Reply Incomplete => default;
}
