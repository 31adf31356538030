namespace ProtoServer;

/// <summary>Owns a file descriptor and is told when it is ready. Loop thread only.</summary>
internal interface IPollHandler
{
    /// <summary>The descriptor is ready as <paramref name="events"/> (EPOLL bits) says. What this throws is reported by the loop.</summary>
    void OnReady(uint events);

    /// <summary>The loop is closing: release the descriptor now.</summary>
    void OnLoopClosing();
}
