namespace ProtoServer;

/// <summary>What a server runs over one connection: a protocol's driver, a handler, or middleware on its way there. Loop thread only.</summary>
internal interface IServedConnection
{
    /// <summary>Where the owner keeps this connection.</summary>
    int OwnerIndex { get; set; }

    /// <summary>Begins; does not throw. The end is told by <see cref="IConnectionOwner.OnEnded"/>, once.</summary>
    void Start();

    /// <summary>Ends after what is queued was sent.</summary>
    void Close();

    /// <summary>Ends at once; what is queued is dropped.</summary>
    void Abort();

    /// <summary>The server drains. Returns whether the connection ends by itself.</summary>
    bool TellDraining();

    /// <summary>Whether nothing came in for that many iterations, nothing waits to be handled, and nothing waits to be sent.</summary>
    bool IsQuiet(int iterations);
}
