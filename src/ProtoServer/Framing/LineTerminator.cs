namespace ProtoServer;

/// <summary>What ends a line.</summary>
public enum LineTerminator
{
    /// <summary>Nothing: the last line of a peer that closed its half in the middle of it.</summary>
    None,

    /// <summary>One LF (%x0A), as <c>nc</c> sends.</summary>
    Lf,

    /// <summary>CR LF (%x0D.0A), as <c>telnet</c> and most Internet protocols send.</summary>
    CrLf,
}
