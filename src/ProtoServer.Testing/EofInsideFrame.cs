namespace ProtoServer.Testing;

/// <summary>What a framing does when the peer ends its half inside a frame.</summary>
public enum EofInsideFrame
{
    /// <summary>It throws a <see cref="ProtocolViolationException"/>.</summary>
    Violates,

    /// <summary>It delivers what there is as the last frame.</summary>
    Delivers,

    /// <summary>It drops what there is.</summary>
    Drops,
}
