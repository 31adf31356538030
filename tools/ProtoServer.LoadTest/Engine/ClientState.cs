namespace ProtoServer.LoadTest.Engine;

/// <summary>Where a <see cref="Client"/> stands.</summary>
internal enum ClientState
{
    /// <summary>No connection: not yet, not any more, or not before the next request.</summary>
    Closed,

    /// <summary>A connect is under way.</summary>
    Connecting,

    /// <summary>Requests may be sent.</summary>
    Open,

    /// <summary>We closed it after its last reply; the end is awaited.</summary>
    Closing,

    /// <summary>The run is over.</summary>
    Finished,
}
