namespace KeyValue;

/// <summary>A reply that will be handed in later.</summary>
/// <remarks>Loop thread only.</remarks>
internal readonly struct PendingReply
{
    private readonly Session _session;
    private readonly long _gate;

    internal PendingReply(Session session, long gate)
    {
        _session = session;
        _gate = gate;
    }

    /// <summary>Hands in the reply, in the wire's own form. Without effect when the connection has gone.</summary>
    public void Complete(ReadOnlySpan<byte> reply) => _session.Answer(_gate, reply.ToArray());
}
