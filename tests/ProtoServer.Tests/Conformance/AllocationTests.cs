using System.Net.Sockets;
using System.Text;

namespace ProtoServer.Tests;

/// <summary>In the steady state a message costs no allocation: measured on the loop's own thread.</summary>
public sealed class AllocationTests : IDisposable
{
    private const int Messages = 2000;

    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    [Fact]
    public Task RawEcho_SteadyState_AllocatesNothing() => MeasureAsync(static () => new RawEcho());

    [Fact]
    public Task LineEcho_SteadyState_AllocatesNothing() => MeasureAsync(static () => new EchoLines());

    private async Task MeasureAsync(Func<IProtocol> factory)
    {
        Assert.SkipUnless(_test.Loop.TransportKind == TransportKind.Epoll, "the portable transport allocates, as its sockets do");
        Server server = _test.Loop.CreateServer(factory, "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        // Tiering replaces methods while the first rounds run, and that may allocate; what is claimed is the steady state.
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least > 0; round++)
        {
            long before = await AllocatedAsync();
            Exchange(peer.Socket);
            least = Math.Min(least, await AllocatedAsync() - before);
        }
        // The two measurements' own calls are not the messages': they are measured by doing nothing.
        long own = long.MaxValue;
        for (int round = 0; round < 10; round++)
        {
            long before = await AllocatedAsync();
            own = Math.Min(own, await AllocatedAsync() - before);
        }
        Assert.Equal(own, least);
    }

    private Task<long> AllocatedAsync() => _test.RunAsync(GC.GetAllocatedBytesForCurrentThread);

    private static void Exchange(Socket peer)
    {
        byte[] line = Encoding.ASCII.GetBytes(new string('x', 99) + "\n");
        byte[] answer = new byte[line.Length];
        for (int i = 0; i < Messages; i++)
        {
            peer.Send(line);
            for (int have = 0; have < answer.Length;)
            {
                have += peer.Receive(answer.AsSpan(have));
            }
        }
        Assert.Equal(line, answer);
    }

    private sealed class RawEcho : IProtocol
    {
        private ITransport _transport = null!;

        public void ConnectionMade(ITransport transport) => _transport = transport;

        public void DataReceived(ReadOnlySpan<byte> data) => _transport.Write(data);

        public void ConnectionLost(Exception? exception)
        {
        }
    }

    private sealed class EchoLines : LineProtocol
    {
        protected override void LineReceived(ReadOnlySpan<byte> line) => SendLine(line);
    }
}
