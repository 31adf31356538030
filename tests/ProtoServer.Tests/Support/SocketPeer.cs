using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>A peer on the runtime's own <see cref="Socket"/>.</summary>
internal sealed class SocketPeer(Socket socket) : RawPeer
{
    public Socket Socket { get; } = socket;

    /// <summary>Connects over TCP; small buffers make back-pressure cheap to reach.</summary>
    public static async Task<SocketPeer> ConnectAsync(EndPoint endPoint, int? bufferBytes = null)
    {
        Socket socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (bufferBytes is { } bytes)
            {
                socket.ReceiveBufferSize = bytes;
                socket.SendBufferSize = bytes;
            }
            await socket.ConnectAsync(endPoint).WaitAsync(Deadlines.Default);
            return new SocketPeer(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public static Task<SocketPeer> ConnectAsync(int port, int? bufferBytes = null) => ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), bufferBytes);

    public override async Task SendAsync(ReadOnlyMemory<byte> data)
    {
        while (data.Length > 0)
        {
            data = data[await Socket.SendAsync(data).AsTask().Within(TimeSpan.FromSeconds(30))..];
        }
    }

    public override async Task<int> ReceiveAsync(Memory<byte> buffer) => await Socket.ReceiveAsync(buffer);

    public override void HalfClose() => Socket.Shutdown(SocketShutdown.Send);

    public override void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public override void Dispose() => Socket.Dispose();
}
