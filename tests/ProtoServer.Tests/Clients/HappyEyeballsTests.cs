using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests.Clients;

/// <summary>Several addresses: RFC 8305.</summary>
public class HappyEyeballsTests
{
    [Fact, Trait("Conformance", "K2")]
    public async Task Addresses_FirstRefuses_NextIsTriedAtOnce()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        // The delay never ends: only the refusal can have brought the second address up.
        ClientOptions options = Resolving(Timeout.InfiniteTimeSpan, BlackHole.Address, IPAddress.Loopback);
        (ITransport transport, _) = await loop.CreateConnectionAsync(() => new Peer(), "two.invalid", server.Port, options).WaitAsync(Within.Deadline);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
    }

    [Fact, Trait("Conformance", "K2")]
    public async Task Addresses_AllRefuse_AreListedInOrder()
    {
        using EventLoop loop = EventLoop.Start();
        int port = ConnectTests.FreePort();
        ClientOptions options = Resolving(TimeSpan.FromSeconds(5), IPAddress.Loopback, BlackHole.Address);
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(() => new Peer(), "two.invalid", port, options).WaitAsync(Within.Deadline));
        Assert.Equal($"Cannot connect to two.invalid port {port}: 127.0.0.1:{port}: Connection refused; 127.0.0.2:{port}: Connection refused.", failed.Message);
        Assert.Equal(2, Assert.IsType<AggregateException>(failed.InnerException).InnerExceptions.Count);
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Addresses_FirstIsSilent_SecondWinsAfterTheDelayAndTheLoserIsClosed()
    {
        using EventLoop loop = EventLoop.Start();
        using EventLoop serving = EventLoop.Start();
        Server server = serving.CreateServer(() => new Peer(), "127.0.0.1", 0);
        using var hole = new BlackHole(server.Port);
        ClientOptions options = Resolving(TimeSpan.FromMilliseconds(30), BlackHole.Address, IPAddress.Loopback);
        (ITransport transport, _) = await loop.CreateConnectionAsync(() => new Peer(), "two.invalid", server.Port, options).WaitAsync(Within.Deadline);
        Assert.Equal(server.EndPoints[0], transport.RemoteEndPoint);
        Assert.Equal(1, Within.ConnectionsTo(server.EndPoints[0]));
        await Deadlines.UntilAsync(() => Within.ConnectionsTo(hole.EndPoint) == 1, "the loser's end: what is left is the hole's own");
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Addresses_FirstIsSilentWithoutDelay_TimesOutBeforeTheSecond()
    {
        using EventLoop loop = EventLoop.Start();
        Server server = loop.CreateServer(() => new Peer(), "127.0.0.1", 0);
        using var hole = new BlackHole(server.Port);
        var options = new ClientOptions
        {
            HappyEyeballsDelay = Timeout.InfiniteTimeSpan,
            ConnectTimeout = TimeSpan.FromMilliseconds(50),
            Resolver = static (_, _) => Task.FromResult<IPAddress[]>([BlackHole.Address, IPAddress.Loopback]),
        };
        ConnectException late = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateConnectionAsync(() => new Peer(), "two.invalid", server.Port, options).WaitAsync(Within.Deadline));
        Assert.Single(late.Failures);
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Addresses_TwoConnectInTheSameTurn_TheLoserIsClosed()
    {
        using EventLoop loop = EventLoop.Start();
        var transport = new ScriptedTransport();
        ClientOptions options = Resolving(TimeSpan.Zero, transport, IPAddress.Loopback, BlackHole.Address);
        Task<(ITransport, Peer)> connecting = loop.CreateConnectionAsync(() => new Peer(), "two.invalid", 9, options);
        await loop.Until(() => transport.Asked.Count == 2);
        await loop.OnLoop(() =>
        {
            transport.Asked[1].Result.SetResult(transport.Made[1]);
            transport.Asked[0].Result.SetResult(transport.Made[0]);
        });
        await connecting.WaitAsync(Within.Deadline);
        await loop.Until(() => transport.Made.Count(static made => made.IsDisposed) == 1);
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Addresses_LastRefusesWhileTheFirstIsSilent_TheFirstIsWaitedForAndTheLoopGoesOn()
    {
        // Not disposed by "using": where the loop is busy for ever, that would wait for it.
        EventLoop loop = EventLoop.Start();
        var transport = new ScriptedTransport();
        ClientOptions options = Resolving(TimeSpan.Zero, transport, IPAddress.Loopback, BlackHole.Address);
        Task<(ITransport, Peer)> connecting = loop.CreateConnectionAsync(() => new Peer(), "two.invalid", 9, options);
        await loop.Until(() => transport.Asked.Count == 2);
        transport.Asked[1].Result.SetException(new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionRefused));
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.CallSoonThreadSafe(() => loop.CallSoon(() => loop.CallSoon(turn.SetResult)));
        await turn.Task.WaitAsync(Within.Deadline);
        transport.Asked[0].Result.SetResult(transport.Made[0]);
        await connecting.WaitAsync(Within.Deadline);
        loop.Dispose();
    }

    [Fact, Trait("Conformance", "K3")]
    public async Task Addresses_TheLosersCallbackOnItsTokenThrows_TheWinnerIsKept()
    {
        using EventLoop loop = EventLoop.Start();
        var reports = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        loop.ExceptionHandler = report => reports.Enqueue(report.Exception);
        var transport = new ScriptedTransport { OnAsked = static token => token.Register(static () => throw new InvalidDataException("callback")) };
        ClientOptions options = Resolving(TimeSpan.Zero, transport, IPAddress.Loopback, BlackHole.Address);
        Task<(ITransport, Peer)> connecting = loop.CreateConnectionAsync(() => new Peer(), "two.invalid", 9, options);
        await loop.Until(() => transport.Asked.Count == 2);
        await loop.OnLoop(() => transport.Asked[1].Result.SetResult(transport.Made[1]));
        await connecting.WaitAsync(Within.Deadline);
        Assert.Equal(2, reports.Count);
        Assert.All(reports, static reported => Assert.IsType<InvalidDataException>(reported));
    }

    [Fact]
    public async Task Addresses_TransportThrowsWhatItLikes_IsListed()
    {
        using EventLoop loop = EventLoop.Start();
        var transport = new ScriptedTransport();
        ClientOptions options = Resolving(TimeSpan.Zero, transport, IPAddress.Loopback);
        Task<(ITransport, Peer)> connecting = loop.CreateConnectionAsync(() => new Peer(), "one.invalid", 9, options);
        await loop.Until(() => transport.Asked.Count == 1);
        transport.Asked[0].Result.SetException(new InvalidDataException("odd"));
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => connecting.WaitAsync(Within.Deadline));
        Assert.Equal("odd", Assert.IsType<InvalidDataException>(failed.Failures[0].Error).Message);
    }

    [Theory]
    [InlineData("4a 4b 4c", "4a 4b 4c")]
    [InlineData("6a 6b 4a 4b", "6a 4a 6b 4b")]
    [InlineData("4a 6a 6b 6c 4b", "4a 6a 4b 6b 6c")]
    [InlineData("", "")]
    public void Order_Families_TakeTurns(string resolved, string tried)
    {
        static IPAddress Parse(string name) => name[0] == '4' ? new IPAddress([10, 0, 0, (byte)name[1]]) : IPAddress.Parse($"fd00::{(int)name[1]:x}");
        static IPAddress[] All(string names) => [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        Assert.Equal(All(tried), AddressOrder.Interleave(All(resolved)));
    }

    private static ClientOptions Resolving(TimeSpan delay, params IPAddress[] addresses) => Resolving(delay, null, addresses);

    private static ClientOptions Resolving(TimeSpan delay, IConnectionFactory? transport, params IPAddress[] addresses) => new()
    {
        HappyEyeballsDelay = delay,
        Resolver = (_, _) => Task.FromResult(addresses),
        Transport = transport,
    };

    private sealed class ScriptedTransport : IConnectionFactory
    {
        public List<(EndPoint EndPoint, TaskCompletionSource<ConnectionContext> Result)> Asked { get; } = [];

        public DisposalCounter[] Made { get; } = [new(), new()];

        public Action<CancellationToken>? OnAsked { get; init; }

        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            OnAsked?.Invoke(cancellationToken);
            var result = new TaskCompletionSource<ConnectionContext>();
            Asked.Add((endpoint, result));
            return new ValueTask<ConnectionContext>(result.Task);
        }
    }

    private sealed class DisposalCounter : DefaultConnectionContext
    {
        public DisposalCounter()
        {
            var input = new System.IO.Pipelines.Pipe();
            var output = new System.IO.Pipelines.Pipe();
            Transport = new Pair(input.Reader, output.Writer);
        }

        public bool IsDisposed { get; private set; }

        public override ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return base.DisposeAsync();
        }

        private sealed record Pair(System.IO.Pipelines.PipeReader Input, System.IO.Pipelines.PipeWriter Output) : System.IO.Pipelines.IDuplexPipe;
    }
}
