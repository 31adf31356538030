using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LineEcho.Tests;

/// <summary>A plain client: what it reads is everything up to the server's end, and a reset is an exception.</summary>
internal sealed class LineClient : IDisposable
{
    private readonly Socket _socket;
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(60));

    private LineClient(Socket socket) => _socket = socket;

    public int Available => _socket.Available;

    public static async Task<LineClient> ConnectAsync(EndPoint server)
    {
        LineClient client = new(new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        await client._socket.ConnectAsync(server, client._deadline.Token);
        return client;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, _deadline.Token)..];
        }
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public void HalfClose() => _socket.Shutdown(SocketShutdown.Send);

    public async Task<string> ReadTextAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int received = await _socket.ReceiveAsync(bytes.AsMemory(at), _deadline.Token);
            Assert.True(received > 0, $"The server closed after {at} of {count} bytes.");
            at += received;
        }

        return Encoding.Latin1.GetString(bytes);
    }

    /// <summary>That many bytes, or fewer at the server's end.</summary>
    public async Task<byte[]> ReadUpToAsync(int count)
    {
        byte[] bytes = new byte[count];
        int at = 0;
        while (at < count && await _socket.ReceiveAsync(bytes.AsMemory(at), _deadline.Token) is int received and > 0)
        {
            at += received;
        }

        return bytes[..at];
    }

    public async Task<byte[]> ReadToEndAsync()
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[64 * 1024];
        while (await _socket.ReceiveAsync(buffer, _deadline.Token) is int count and > 0)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    public async Task<string> ReadTextToEndAsync() => Encoding.Latin1.GetString(await ReadToEndAsync());

    public void Dispose()
    {
        _socket.Dispose();
        _deadline.Dispose();
    }
}
