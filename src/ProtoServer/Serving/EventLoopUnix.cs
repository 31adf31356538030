using System.Net.Sockets;

namespace ProtoServer;

/// <summary><c>CreateUnixServer</c> and <c>CreateUnixConnectionAsync</c> on an event loop: the same protocols, on unix domain sockets.</summary>
public static class EventLoopUnix
{
    /// <summary>Listens on a unix domain socket. Any thread.</summary>
    /// <remarks>
    /// A socket file that a dead server left behind is replaced; one that a server listens on, and any file that is no socket, is an error and stays. The file is removed when the server closes, unless
    /// it is another one by then or <see cref="ServerOptions.RemoveUnixSocketFile"/> is false. Its mode is <see cref="ServerOptions.UnixSocketMode"/>.
    /// Source: asyncio's <see href="https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_unix_server">create_unix_server</see>, which replaces the file of a living server too.
    /// </remarks>
    /// <param name="loop">The loop that accepts and serves.</param>
    /// <param name="protocolFactory">Called on the loop, once per connection.</param>
    /// <param name="path">At most 107 bytes. One that begins with NUL is an abstract name of Linux: it has no file, and ends with the server.</param>
    /// <param name="options">Null: all defaults. What concerns TCP has no effect.</param>
    /// <exception cref="ArgumentException">The path is empty or too long.</exception>
    /// <exception cref="SocketException">Names the path and the reason.</exception>
    public static Server CreateUnixServer(this EventLoop loop, Func<IProtocol> protocolFactory, string path, ServerOptions? options = null) =>
        loop.CreateServer(protocolFactory, EndPointOf(path), options);

    /// <summary>Connects to a unix domain socket, see <see cref="EventLoopConnecting.CreateConnectionAsync{TProtocol}(EventLoop, Func{TProtocol}, string, int, ClientOptions?, CancellationToken)"/>. Any thread.</summary>
    /// <remarks>While the server's backlog is full this tries again, until <see cref="ClientOptions.ConnectTimeout"/>.</remarks>
    /// <param name="loop">The loop that the connection lives on.</param>
    /// <param name="protocolFactory">Called on the loop, once the connection is up. What it throws is thrown here, and the connection is closed.</param>
    /// <param name="path">At most 107 bytes; beginning with NUL for an abstract name.</param>
    /// <param name="options">Null: all defaults.</param>
    /// <param name="cancellationToken">Gives up; whatever was opened is closed.</param>
    /// <returns>The transport, and the protocol that the factory made.</returns>
    /// <exception cref="ArgumentException">The path is empty or too long.</exception>
    /// <exception cref="ConnectException">Nobody listens there, it does not exist, or it may not be connected to.</exception>
    public static Task<(ITransport Transport, TProtocol Protocol)> CreateUnixConnectionAsync<TProtocol>(
        this EventLoop loop, Func<TProtocol> protocolFactory, string path, ClientOptions? options = null, CancellationToken cancellationToken = default)
        where TProtocol : IProtocol => loop.CreateConnectionAsync(protocolFactory, EndPointOf(path), options, cancellationToken);

    private static UnixDomainSocketEndPoint EndPointOf(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int bytes = System.Text.Encoding.UTF8.GetByteCount(path);
        return bytes <= 107 ? new UnixDomainSocketEndPoint(path) : throw new ArgumentException($"The path of a unix socket has at most 107 bytes, this one has {bytes}: use a shorter directory.", nameof(path));
    }
}
