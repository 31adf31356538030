using System.Net;
using System.Net.Sockets;
using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Tasks;

public class ContextTests
{
    private static readonly AsyncLocal<string?> s_value = new();

    // Notes what each callback sees, then sets something of its own.
    private sealed class Noting(List<string> seen, TaskCompletionSource lost) : IProtocol
    {
        private string _name = "";

        public void ConnectionMade(ITransport transport) => Note("made");

        public void DataReceived(ReadOnlySpan<byte> data)
        {
            _name = ((char)data[0]).ToString();
            Note("data");
        }

        public void ConnectionLost(Exception? exception)
        {
            Note("lost");
            lost.SetResult();
        }

        private void Note(string callback)
        {
            seen.Add($"{callback} {s_value.Value ?? "nothing"}{(LoopTask.Current is null ? "" : " in a task")}");
            s_value.Value = $"{callback}{_name}";
        }
    }

    private static async Task TalkAsync(Server server, byte letter, TaskCompletionSource lost)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Port);
        await client.GetStream().WriteAsync(new[] { letter });
        client.Client.Shutdown(SocketShutdown.Send);
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Connection_Values_AreCapturedAtCreateServerAndStayItsOwn(bool valueSet) => Run(async loop =>
    {
        List<string> seen = [];
        TaskCompletionSource[] lost = [new(), new()];
        int made = 0;
        Server? server = null;
        await loop.CreateTask(() =>
        {
            s_value.Value = valueSet ? "server" : null;
            server = loop.CreateServer(() => new Noting(seen, lost[made++]), "127.0.0.1", 0);
            s_value.Value = "changed later";
            return Task.CompletedTask;
        });
        await TalkAsync(server!, (byte)'a', lost[0]);
        await TalkAsync(server!, (byte)'b', lost[1]);
        string at = valueSet ? "server" : "nothing";
        Assert.Equal([$"made {at}", "data made", "lost dataa", $"made {at}", "data made", "lost datab"], seen);
        Assert.Null(s_value.Value);
        await server!.ShutdownAsync();
    });

    [Fact]
    public void Factory_Values_BelongToItsConnection() => Run(async loop =>
    {
        List<string> seen = [];
        TaskCompletionSource[] lost = [new(), new()];
        int made = 0;
        Server server = loop.CreateServer(
            () =>
            {
                seen.Add($"factory {s_value.Value ?? "nothing"}");
                s_value.Value = $"connection {made}";
                return new Noting(seen, lost[made++]);
            },
            "127.0.0.1",
            0);
        await TalkAsync(server, (byte)'a', lost[0]);
        await TalkAsync(server, (byte)'b', lost[1]);
        Assert.Equal(["factory nothing", "made connection 0", "data made", "lost dataa", "factory nothing", "made connection 1", "data made", "lost datab"], seen);
        await server.ShutdownAsync();
    });

    private sealed class Relay(Func<ITransport?> other, List<string> seen) : IProtocol
    {
        public ITransport? Transport { get; private set; }

        public void ConnectionMade(ITransport transport)
        {
            Transport = transport;
            transport.SetWriteBufferLimits(0, 0);
        }

        public void DataReceived(ReadOnlySpan<byte> data)
        {
            s_value.Value = "the relay's";
            other()?.Write(new byte[32 * 1024 * 1024]);
            seen.Add($"after the write {s_value.Value}");
        }

        public void PauseWriting()
        {
            seen.Add($"pause {s_value.Value ?? "nothing"}");
            s_value.Value = "the paused one's";
        }

        public void ConnectionLost(Exception? exception)
        {
        }
    }

    [Fact]
    public void Callback_InsideAnothersCallback_HasItsOwnValues() => Run(async loop =>
    {
        List<string> seen = [];
        List<Relay> relays = [];
        Server server = loop.CreateServer(
            () =>
            {
                var relay = new Relay(() => relays[0].Transport, seen);
                relays.Add(relay);
                return relay;
            },
            "127.0.0.1",
            0);
        using var first = new TcpClient();
        await first.ConnectAsync(IPAddress.Loopback, server.Port);
        using var second = new TcpClient();
        await second.ConnectAsync(IPAddress.Loopback, server.Port);
        while (relays.Count < 2)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider);
        }
        await second.GetStream().WriteAsync(new byte[1]);
        while (seen.Count < 2)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider);
        }
        Assert.Equal(["pause nothing", "after the write the relay's"], seen);
        await server.ShutdownAsync(TimeSpan.Zero);
    });
}
