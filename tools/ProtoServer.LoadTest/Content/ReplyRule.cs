namespace ProtoServer.LoadTest.Content;

/// <summary>What counts as a reply in the raw scenario.</summary>
internal enum ReplyRule
{
    /// <summary>Exactly the expected bytes.</summary>
    Literal,

    /// <summary>A number of lines.</summary>
    Lines,

    /// <summary>A number of bytes.</summary>
    Bytes,

    /// <summary>One RESP reply that is no error.</summary>
    Resp,

    /// <summary>Nothing comes back: a message is done when it was handed to the connection.</summary>
    None,
}
