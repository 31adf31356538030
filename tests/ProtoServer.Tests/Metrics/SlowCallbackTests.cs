using System.Net;
using System.Net.Sockets;
using ProtoServer.Tests.Tasks;

namespace ProtoServer.Tests.Metrics;

public class SlowCallbackTests
{
    private static void Hold() => SpinWait.SpinUntil(() => false, TimeSpan.FromMilliseconds(15));

    private static EventLoopOptions Watching(LogLines log) => new() { LoggerFactory = log, SlowCallbackThreshold = TimeSpan.FromMilliseconds(10) };

    private sealed class SlowProtocol : IProtocol
    {
        public void ConnectionMade(ITransport transport)
        {
        }

        public void DataReceived(ReadOnlySpan<byte> data) => Hold();

        public void ConnectionLost(Exception? exception)
        {
        }
    }

    [Fact]
    public void Slow_ProtocolCallback_IsNamedWithItsProtocolAndPeer()
    {
        using var log = new LogLines();
        OnLoop.Run(
            async loop =>
            {
                Server server = loop.CreateServer(() => new SlowProtocol(), "127.0.0.1", 0);
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, server.Port);
                await client.GetStream().WriteAsync(new byte[1]);
                while (!log.All.Any(line => line.Contains(nameof(SlowProtocol))))
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider);
                }
                Assert.InRange(loop.Metrics.SlowCallbacks, 1, long.MaxValue);
                await server.ShutdownAsync(TimeSpan.Zero);
            },
            Watching(log));
        Assert.Contains(log.All, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("SlowProtocol.DataReceived of 127.0.0.1:"));
    }

    [Fact]
    public void Slow_AsyncMethodAfterAnAwait_IsNamedAsItsAuthorCallsIt()
    {
        using var log = new LogLines();
        OnLoop.Run(loop => loop.CreateTask(Crunch).Task, Watching(log));
        Assert.Contains(log.All, line => line.Contains("by SlowCallbackTests.Crunch "));

        static async Task Crunch()
        {
            await Task.Yield();
            Hold();
        }
    }

    [Fact]
    public void Slow_TimerAndCallSoon_AreNamed()
    {
        using var log = new LogLines();
        OnLoop.Run(
            async loop =>
            {
                loop.CallSoon(Hold);
                loop.CallLater(TimeSpan.FromMilliseconds(1), Sweep);
                await Task.Delay(TimeSpan.FromMilliseconds(2), loop.TimeProvider);
            },
            Watching(log));
        Assert.Contains(log.All, line => line.Contains("by SlowCallbackTests.Hold "));
        Assert.Contains(log.All, line => line.Contains("by SlowCallbackTests.Sweep "));

        static void Sweep() => Hold();
    }

    [Fact]
    public void Slow_WhileTheWatchIsOff_SaysNothing()
    {
        using var log = new LogLines();
        OnLoop.Run(
            async loop =>
            {
                loop.CallSoon(Hold);
                await OnLoop.Turns(2);
            },
            new EventLoopOptions { LoggerFactory = log });
        Assert.DoesNotContain(log.All, line => line.Contains("held"));
    }
}
