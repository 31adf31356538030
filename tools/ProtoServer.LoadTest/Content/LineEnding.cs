namespace ProtoServer.LoadTest.Content;

/// <summary>What ends a message.</summary>
internal enum LineEnding
{
    /// <summary>Nothing: messages are told apart by their size.</summary>
    None,

    /// <summary><c>\n</c>.</summary>
    Lf,

    /// <summary><c>\r\n</c>.</summary>
    CrLf,
}
