namespace ProtoServer;

/// <summary>The sockets of one loop, to be closed with it. Loop thread only.</summary>
internal sealed class SocketsLoop
{
    private readonly HashSet<SocketsConnection> _connections = [];

    private SocketsLoop(EventLoop loop) => loop.OnClosing(AbortAll);

    public static SocketsLoop Of(EventLoop loop) => loop.Local(static loop => new SocketsLoop(loop));

    public void Add(SocketsConnection connection) => _connections.Add(connection);

    public void Remove(SocketsConnection connection) => _connections.Remove(connection);

    private void AbortAll()
    {
        foreach (SocketsConnection connection in _connections.ToArray())
        {
            connection.Abort(new Microsoft.AspNetCore.Connections.ConnectionAbortedException("The event loop was closed."));
        }
    }
}
