namespace ProtoServer.LoadTest.Content;

/// <summary>The verdict on one reply.</summary>
internal enum ReplyKind
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The right reply.</summary>
    Good,

    /// <summary>The right reply: the server has nothing under that key.</summary>
    Miss,

    /// <summary>A well-formed error from the server, such as RESP's <c>-ERR</c>.</summary>
    Error,

    /// <summary>A reply with other bytes than it must have.</summary>
    Wrong,

    /// <summary>Bytes that answer no request: a reply that came twice, or garbage before one.</summary>
    Stray,
}
