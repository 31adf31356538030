using System.Net.Sockets;
using System.Text;
using ProtoServer.Tests.Clients;

namespace ProtoServer.Tests.Unix;

/// <summary>Unix domain sockets, both sides, on both transports of ours.</summary>
[Trait("Conformance", "S19")]
public sealed class UnixSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("psu").FullName;

    private string SocketPath => Path.Combine(_directory, "s");

    public static TheoryData<TransportKind> Transports => [TransportKind.Epoll, TransportKind.Sockets];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_OnAPath_EchoesAndRemovesItsFile(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        Server server = loop.CreateUnixServer(static () => new Peer { Echoes = true }, SocketPath);
        Assert.True(File.Exists(SocketPath));
        (ITransport transport, Peer peer) = await loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline);
        Assert.Equal(new UnixDomainSocketEndPoint(SocketPath), transport.RemoteEndPoint);
        await loop.OnLoop(() => transport.Write("by file"u8));
        await peer.ReceivedAtLeast(7);
        Assert.Equal(0, server.Port);
        Assert.Equal(SocketPath, Assert.Single(server.EndPoints).ToString());
        await server.ShutdownAsync().WaitAsync(Within.Deadline);
        Assert.Null(await peer.Lost);
        Assert.False(File.Exists(SocketPath));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_OnAnAbstractName_EchoesAndHasNoFile(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        string name = $"\0protoserver-{Guid.NewGuid():N}";
        await using Server server = loop.CreateUnixServer(static () => new Peer { Echoes = true }, name);
        // With the runtime's own socket, which pads no name either.
        using var plain = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await plain.ConnectAsync(new UnixDomainSocketEndPoint(name)).WaitAsync(Within.Deadline);
        await plain.SendAsync(Encoding.ASCII.GetBytes("abstract"));
        byte[] answer = new byte[8];
        Assert.Equal(8, await plain.ReceiveAsync(answer).WaitAsync(Within.Deadline));
        (ITransport transport, Peer peer) = await loop.CreateUnixConnectionAsync(static () => new Peer(), name).WaitAsync(Within.Deadline);
        await loop.OnLoop(() => transport.Write("abstract"u8));
        await peer.ReceivedAtLeast(8);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries("."), entry => entry.Contains("protoserver-", StringComparison.Ordinal));
        await loop.OnLoop(transport.Close);
        await peer.Lost;
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_StaleFile_IsReplaced(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        using (EventLoop dead = EventLoop.Start())
        {
            await dead.CreateUnixServer(static () => new Peer(), SocketPath, new ServerOptions { RemoveUnixSocketFile = false }).ShutdownAsync().WaitAsync(Within.Deadline);
        }
        Assert.True(File.Exists(SocketPath));
        await using Server server = loop.CreateUnixServer(static () => new Peer(), SocketPath);
        await loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_PathOfALivingServer_IsRefusedAndNamed(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        await using Server first = loop.CreateUnixServer(static () => new Peer(), SocketPath);
        SocketException refused = Assert.Throws<SocketException>(() => loop.CreateUnixServer(static () => new Peer(), SocketPath));
        Assert.Equal(SocketError.AddressAlreadyInUse, refused.SocketErrorCode);
        Assert.Contains(SocketPath, refused.Message, StringComparison.Ordinal);
        await loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline);
    }

    [Theory, MemberData(nameof(Transports))]
    public void Server_PathOfAFile_IsRefusedAndTheFileStays(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        File.WriteAllText(SocketPath, "precious");
        SocketException refused = Assert.Throws<SocketException>(() => loop.CreateUnixServer(static () => new Peer(), SocketPath));
        Assert.Equal(SocketError.AddressAlreadyInUse, refused.SocketErrorCode);
        Assert.Contains(SocketPath, refused.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(SocketPath));
    }

    [Theory, MemberData(nameof(Transports))]
    public void Server_PathIsASymbolicLinkToAFile_LeavesBoth(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        File.WriteAllText(SocketPath + ".real", "precious");
        File.CreateSymbolicLink(SocketPath, SocketPath + ".real");
        Assert.Throws<SocketException>(() => loop.CreateUnixServer(static () => new Peer(), SocketPath));
        Assert.Equal("precious", File.ReadAllText(SocketPath));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_FileReplacedMeanwhile_StaysAtTheEnd(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        Server first = loop.CreateUnixServer(static () => new Peer(), SocketPath);
        File.Move(SocketPath, SocketPath + ".old");
        await using Server second = loop.CreateUnixServer(static () => new Peer(), SocketPath);
        await first.ShutdownAsync().WaitAsync(Within.Deadline);
        await loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Adopted_BoundByTheRuntime_ItsFileStaysAtAdoptionAndAtTheEnd(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(SocketPath));
        Server server = loop.CreateServer(static () => new Peer { Echoes = true }, socket);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(File.Exists(SocketPath));
        (ITransport transport, Peer peer) = await loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline);
        await loop.OnLoop(() => transport.Write("adopted"u8));
        await peer.ReceivedAtLeast(7);
        Assert.Equal(SocketPath, Assert.Single(server.EndPoints).ToString());
        await server.ShutdownAsync().WaitAsync(Within.Deadline);
        Assert.True(File.Exists(SocketPath));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Adopted_AsAManagerPassesIt_ItsFileStaysForTheNextServer(TransportKind kind)
    {
        using var manager = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(SocketPath));
        manager.Listen();
        using EventLoop loop = Start(kind);
        Server server = loop.CreateServer(static () => new Peer { Echoes = true }, SocketTakeover.Duplicate(manager));
        (ITransport transport, Peer peer) = await loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline);
        await loop.OnLoop(() => transport.Write("again"u8));
        await peer.ReceivedAtLeast(5);
        await server.ShutdownAsync().WaitAsync(Within.Deadline);
        Assert.True(File.Exists(SocketPath));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Adopted_ObjectDisposedOfAfterwards_ServesOn(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        string name = $"\0protoserver-{Guid.NewGuid():N}";
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(name));
        await using Server server = loop.CreateServer(static () => new Peer { Echoes = true }, socket);
        socket.Dispose();
        (ITransport transport, Peer peer) = await loop.CreateUnixConnectionAsync(static () => new Peer(), name).WaitAsync(Within.Deadline);
        await loop.OnLoop(() => transport.Write("there"u8));
        await peer.ReceivedAtLeast(5);
        await loop.OnLoop(transport.Close);
        await peer.Lost;
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_FileGoneMeanwhile_EndsAllTheSame(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        Server server = loop.CreateUnixServer(static () => new Peer(), SocketPath);
        File.Delete(SocketPath);
        Assert.True((await server.ShutdownAsync().WaitAsync(Within.Deadline)).IsClean);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_Mode_IsThatOfTheFile(TransportKind kind)
    {
        const UnixFileMode wanted = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        using EventLoop loop = Start(kind);
        await using Server server = loop.CreateUnixServer(static () => new Peer(), SocketPath, new ServerOptions { UnixSocketMode = wanted });
#pragma warning disable CA1416 // unix sockets with modes: this test runs where there are any
        Assert.Equal(wanted, File.GetUnixFileMode(SocketPath));
#pragma warning restore CA1416
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Connect_NoSuchPath_ThrowsAndNamesIt(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        ConnectException failed = await Assert.ThrowsAsync<ConnectException>(() => loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath).WaitAsync(Within.Deadline));
        Assert.Contains(SocketPath, failed.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Connect_BacklogFull_WaitsForRoom(TransportKind kind)
    {
        using EventLoop loop = Start(kind);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen(0);
        using var only = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await only.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        Task connecting = loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath);
        Task<(ITransport, Peer)> late = loop.CreateUnixConnectionAsync(static () => new Peer(), SocketPath, new ClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(30) });
        await Assert.ThrowsAsync<ConnectException>(() => late.WaitAsync(Within.Deadline));
        Assert.False(connecting.IsCompleted);
        using Socket first = await listener.AcceptAsync();
        await connecting.WaitAsync(Within.Deadline);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void Path_Empty_Throws(string? path)
    {
        using EventLoop loop = Start(TransportKind.Epoll);
        Assert.ThrowsAny<ArgumentException>(() => loop.CreateUnixServer(static () => new Peer(), path!));
    }

    [Fact]
    public void Path_TooLong_ThrowsAndSaysHowLong()
    {
        using EventLoop loop = Start(TransportKind.Epoll);
        ArgumentException failed = Assert.Throws<ArgumentException>(() => loop.CreateUnixServer(static () => new Peer(), new string('x', 108)));
        Assert.Contains("at most 107 bytes, this one has 108", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Close_PeerStillSending_DiscardsWithoutHarm()
    {
        using EventLoop loop = Start(TransportKind.Epoll);
        await using Server server = loop.CreateUnixServer(static () => new Peer
        {
            OnMade = static transport =>
            {
                transport.PauseReading();
                transport.Write("enough"u8);
                transport.Close();
            },
        }, SocketPath);
        using var sender = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        sender.Connect(new UnixDomainSocketEndPoint(SocketPath));
        // More than the loop's receive buffer, which the discarding goes through.
        byte[] flood = new byte[4 * 1024 * 1024];
        Task sending = Task.Run(() =>
        {
            try
            {
                sender.Send(flood);
            }
            catch (SocketException)
            {
                // The server closes at its own time.
            }
        }, TestContext.Current.CancellationToken);
        byte[] answer = new byte[6];
        Assert.Equal(6, await sender.ReceiveAsync(answer).WaitAsync(Within.Deadline));
        await sending.WaitAsync(Within.Deadline);
    }

    private static EventLoop Start(TransportKind kind) => EventLoop.Start(new EventLoopOptions { Transport = kind });
}
