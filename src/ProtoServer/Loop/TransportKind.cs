namespace ProtoServer;

/// <summary>What carries a loop's connections, where <c>ServerOptions.Transport</c> names nothing else.</summary>
public enum TransportKind
{
    /// <summary>The environment variable <c>PROTOSERVER_TRANSPORT</c> decides (<c>epoll</c> or <c>sockets</c>); without it epoll where the system has it, sockets elsewhere.</summary>
    Automatic,

    /// <summary>The loop polls its sockets itself. Linux only.</summary>
    Epoll,

    /// <summary>The runtime's own sockets, through Pipelines.Sockets.Unofficial: every system, slower.</summary>
    Sockets,
}
