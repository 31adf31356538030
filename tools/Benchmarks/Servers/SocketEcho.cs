using System.Net;
using System.Net.Sockets;

namespace Benchmarks.Servers;

/// <summary>What one writes without a library: an accept loop, and one asynchronous method with one buffer per connection.</summary>
internal static class SocketEcho
{
    private const int BufferBytes = 4096;
    private const int Backlog = 512;

    public static async Task RunAsync(int port)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(Backlog);
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        while (true)
        {
            _ = EchoAsync(await listener.AcceptAsync());
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            socket.NoDelay = true;
            byte[] buffer = new byte[BufferBytes];
            try
            {
                int received;
                while ((received = await socket.ReceiveAsync(buffer)) > 0)
                {
                    for (int sent = 0; sent < received;)
                    {
                        sent += await socket.SendAsync(buffer.AsMemory(sent, received - sent));
                    }
                }
            }
            catch (SocketException)
            {
                // The peer is gone: its connection ends, the server goes on.
            }
        }
    }
}
