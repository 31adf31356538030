using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests;

/// <summary>How the portable transport is chosen, and what the conformance suite does not ask of it.</summary>
public sealed class PortableTransportTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void ChooseTransport_NothingSaid_IsEpollWhereThereIsEpoll(string? variable) =>
        Assert.Equal(EpollConnectionListenerFactory.IsSupported ? TransportKind.Epoll : TransportKind.Sockets, EventLoop.ChooseTransport(TransportKind.Automatic, variable));

    [Fact]
    public void ChooseTransport_VariableSaysSockets_IsSockets() => Assert.Equal(TransportKind.Sockets, EventLoop.ChooseTransport(TransportKind.Automatic, "sockets"));

    [Fact]
    public void ChooseTransport_VariableSaysEpoll_IsEpollOrSaysThatThereIsNone()
    {
        if (EpollConnectionListenerFactory.IsSupported)
        {
            Assert.Equal(TransportKind.Epoll, EventLoop.ChooseTransport(TransportKind.Automatic, "epoll"));
        }
        else
        {
            Assert.Throws<PlatformNotSupportedException>(static () => EventLoop.ChooseTransport(TransportKind.Automatic, "epoll"));
        }
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("Epoll")]
    [InlineData("epoll ")]
    [InlineData("automatic")]
    public void ChooseTransport_VariableSaysSomethingElse_IsAnErrorThatNamesIt(string variable)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => EventLoop.ChooseTransport(TransportKind.Automatic, variable));
        Assert.Contains($"PROTOSERVER_TRANSPORT is '{variable}': set it to epoll or sockets", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ChooseTransport_OptionNamesOne_TheVariableIsNotLookedAt() => Assert.Equal(TransportKind.Sockets, EventLoop.ChooseTransport(TransportKind.Sockets, "nonsense"));

    [Fact]
    public void Loop_TransportNotNamed_IsWhatTheEnvironmentSays()
    {
        using var loop = new EventLoop();
        Assert.Equal(EventLoop.ChooseTransport(TransportKind.Automatic, Environment.GetEnvironmentVariable("PROTOSERVER_TRANSPORT")), loop.TransportKind);
    }

    [Fact]
    public void Loop_TransportNamed_IsThatOne()
    {
        using var loop = new EventLoop(new EventLoopOptions { Transport = TransportKind.Sockets });
        Assert.Equal(TransportKind.Sockets, loop.TransportKind);
    }

    [Theory]
    [InlineData(LingerCase.UnreadInput)]
    [InlineData(LingerCase.AllRead)]
    public async Task Close_PeerStillSends_NoResetOvertakesTheAnswer(LingerCase input)
    {
        using var test = new TestLoop(new EventLoopOptions { Transport = TransportKind.Sockets });
        byte[] answer = new byte[200_000];
        new Random(3).NextBytes(answer);
        var protocol = new ProbeProtocol();
        protocol.OnData = _ =>
        {
            protocol.Transport.PauseReading();
            protocol.Transport.Write(answer);
            protocol.Transport.Close();
        };
        Server server = test.Loop.CreateServer(() => protocol, "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await peer.SendAsync(new byte[input == LingerCase.UnreadInput ? 150_000 : 10]);
        Assert.Equal(answer, await peer.ReceiveToEndAsync());
        Assert.Null(await protocol.Lost.Within());
    }

    [Fact]
    public async Task Connections_OnSockets_AreIdleWithoutSpinning()
    {
        using var test = new TestLoop(new EventLoopOptions { Transport = TransportKind.Sockets });
        var protocol = new ProbeProtocol();
        Server server = test.Loop.CreateServer(() => protocol, "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await protocol.Made.Within();
        await test.IterationsAsync(5);
        long before = test.Loop.Iterations;
        await Task.Delay(50);
        Assert.InRange(test.Loop.Iterations - before, 0, 2);
    }

    [Fact]
    public async Task Loop_DisposedOnSockets_TellsItsConnectionsAndFreesThePort()
    {
        var test = new TestLoop(new EventLoopOptions { Transport = TransportKind.Sockets });
        var protocol = new ProbeProtocol();
        Server server = test.Loop.CreateServer(() => protocol, "127.0.0.1", 0);
        using SocketPeer peer = await SocketPeer.ConnectAsync(server.Port);
        await protocol.Made.Within();
        test.Dispose();
        await protocol.Lost.Within();
        await server.WaitClosedAsync().Within();
        using var again = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(() => again.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port)).Within());
    }

    [Fact]
    public void CreateServer_PortInUseOnSockets_NamesItAndWhatToDo()
    {
        using var test = new TestLoop(new EventLoopOptions { Transport = TransportKind.Sockets });
        Server server = test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0);
        SocketException refused = Assert.Throws<SocketException>(() => test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", server.Port));
        Assert.Equal(SocketError.AddressAlreadyInUse, refused.SocketErrorCode);
        Assert.Contains($"127.0.0.1:{server.Port}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("choose another port", refused.Message, StringComparison.Ordinal);
    }

    public enum LingerCase
    {
        UnreadInput,
        AllRead,
    }
}
