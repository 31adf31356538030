namespace ProtoServer;

/// <summary>How <see cref="Server.ShutdownAsync"/> went.</summary>
/// <param name="Closed">Connections that ended regularly: everything received was handled, everything written was handed to the kernel.</param>
/// <param name="Aborted">Connections that were still busy at the deadline and were reset.</param>
/// <param name="Elapsed">From the call to the last connection's end.</param>
public sealed record DrainReport(int Closed, int Aborted, TimeSpan Elapsed)
{
    /// <summary>Whether nobody had to be aborted.</summary>
    public bool IsClean => Aborted == 0;
}
