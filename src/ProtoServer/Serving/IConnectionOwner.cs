namespace ProtoServer;

/// <summary>Who made a connection and keeps count of it. Loop thread only.</summary>
internal interface IConnectionOwner
{
    /// <summary>What the connection is allowed.</summary>
    ConnectionOptions ConnectionOptions { get; }

    /// <summary>The connection's last callback has returned.</summary>
    void OnEnded(IServedConnection connection);
}
