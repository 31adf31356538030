using System.Net.Sockets;
using System.Text;
using ProtoServer;

namespace Tour;

/// <summary>The low-level API: a class with callbacks, and its factory as CreateServer's first argument. What uvicorn and aiohttp are made of.</summary>
internal static class CustomProtocol
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        var lost = new TaskCompletionSource();
        Server server = loop.CreateServer(() => new Shout(output, lost), "127.0.0.1", 0);

        using (var client = new TcpClient())
        {
            await client.ConnectAsync("127.0.0.1", server.Port);
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
            await client.GetStream().WriteAsync("hello\n"u8.ToArray());
            output.WriteLine($"client got: {await reader.ReadLineAsync()}");
        }
        await lost.Task;

        DrainReport report = await server.ShutdownAsync();
        output.WriteLine($"server closed, {report.Aborted} connections aborted");
    });

    private sealed class Shout(TextWriter output, TaskCompletionSource lost) : LineProtocol
    {
        protected override void ConnectionMade() => output.WriteLine("server: connection made");

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            string text = Encoding.ASCII.GetString(line);
            output.WriteLine($"server: received {text}");
            SendLine(Encoding.ASCII.GetBytes(text.ToUpperInvariant()));
        }

        protected override void ConnectionLost(Exception? exception)
        {
            output.WriteLine("server: connection lost");
            lost.SetResult();
        }
    }
}
