namespace ProtoServer.LoadTest.Content;

/// <summary>What a scenario says, for all connections: makes each connection's <see cref="Dialogue"/>.</summary>
/// <remarks>Immutable after construction: all loops share it.</remarks>
internal interface IDialogueSource
{
    /// <summary>The dialogue of one connection.</summary>
    /// <param name="connection">The connection's number in the run, from 0.</param>
    /// <param name="pipeline">Requests that may be outstanding, a power of two or rounded up to one.</param>
    Dialogue Open(int connection, int pipeline);

    /// <summary>One line for the report: <c>lines of 64 B, verified</c>.</summary>
    string Description { get; }

    /// <summary>The longest reply that can be expected, for the connection's input limit; 0 when unknown.</summary>
    int LongestReplyBytes { get; }
}
