using System.Net;
using System.Net.Sockets;
using ProtoServer;

namespace Benchmarks.Servers;

/// <summary>An echo on several loops that says, when a line asks, how many connections each loop has accepted since the last line.</summary>
internal static class SpreadServer
{
    private const int Backlog = 512;

    public static void Run(int loops, bool sharedSocket)
    {
        using EventLoopGroup group = EventLoopGroup.Start(loops);
        ServerGroup servers = sharedSocket
            ? group.CreateServer(() => new Echo(), Listening())
            : group.CreateServer(() => new Echo(), "127.0.0.1", 0);
        Console.WriteLine($"listening on {servers.EndPoints[0]}");
        long[] before = new long[loops];
        while (Console.ReadLine() is not null)
        {
            long[] accepted = [.. servers.Servers.Select(server => server.TotalConnections)];
            Console.WriteLine(string.Join(' ', accepted.Zip(before, (now, then) => now - then)));
            before = accepted;
        }

        servers.ShutdownAsync(TimeSpan.Zero).GetAwaiter().GetResult();
    }

    private static Socket Listening()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(Backlog);
        return socket;
    }

    private sealed class Echo : IProtocol
    {
        private ITransport? _transport;

        public void ConnectionMade(ITransport transport) => _transport = transport;

        public void DataReceived(ReadOnlySpan<byte> data) => _transport!.Write(data);

        public void ConnectionLost(Exception? exception)
        {
        }
    }
}
