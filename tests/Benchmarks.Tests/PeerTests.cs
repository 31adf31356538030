using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Benchmarks.Running;

namespace Benchmarks.Tests;

/// <summary>A peer that loses bytes would be a fast one.</summary>
public class PeerTests
{
    private const int ClientBufferBytes = 64 * 1024;

    // More than the kernel's two buffers of the server hold at their largest.
    private static readonly int _bytes = Largest("tcp_rmem") + Largest("tcp_wmem") + (4 * 1024 * 1024);
    private static readonly TimeSpan _still = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Names => [.. PeerCatalog.Echo.Select(peer => peer.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Peer_WhoseClientSendsEverythingBeforeItReads_EchoesEveryByte(string name)
    {
        Peer peer = PeerCatalog.Echo.First(peer => peer.Name == name);
        Assert.SkipWhen(peer.Missing() is not null, peer.Missing() ?? "");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(_deadline);
        await using ServerProcess server = await ServerProcess.StartAsync(peer, pin: false, deadline.Token);
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.ReceiveBufferSize = client.SendBufferSize = ClientBufferBytes;
        await client.ConnectAsync(IPAddress.Loopback, server.Port, deadline.Token);
        byte[] message = Lines();

        // The sender is stopped by the server, which stops reading while nobody takes its answers; only then the reader begins.
        Sender sender = new(client, message, deadline.Token);
        using PeriodicTimer looks = new(_still);
        for (int before = -1; before != sender.SentBytes;)
        {
            before = sender.SentBytes;
            await looks.WaitForNextTickAsync(deadline.Token);
        }

        Assert.False(sender.Done.IsCompleted, "the peer took everything while nobody read its answers");
        byte[] received = new byte[_bytes];
        for (int count = 0; count < _bytes;)
        {
            int part = await client.ReceiveAsync(received.AsMemory(count), deadline.Token);
            Assert.NotEqual(0, part);
            count += part;
        }

        await sender.Done;
        Assert.True(message.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public async Task Client_OfAServerThatLosesABatch_FailsInsteadOfMeasuring()
    {
        Assert.SkipWhen(NativeBuild.MissingCompiler() is not null, NativeBuild.MissingCompiler() ?? "");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(_deadline);
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await using ChildProcess client = ChildProcess.Start(
            [NativeBuild.Compile("load.c"), "--port", $"{((IPEndPoint)listener.LocalEndPoint!).Port}", "--connections", "1", "--size", "64", "--pid", $"{Environment.ProcessId}"], core: null);
        using Socket accepted = await listener.AcceptAsync(deadline.Token);
        await accepted.ReceiveAsync(new byte[64], deadline.Token);
        await accepted.SendAsync("not what was sent\n"u8.ToArray(), deadline.Token);

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => client.ReadToEndAsync(deadline.Token));

        Assert.Contains("the server answered bytes that were not sent", failure.Message, StringComparison.Ordinal);
    }

    private static byte[] Lines()
    {
        byte[] bytes = new byte[_bytes];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)((i + 1) % 64 == 0 ? '\n' : 'a' + (i % 25));
        }

        return bytes;
    }

    private static int Largest(string setting) =>
        int.Parse(File.ReadAllText($"/proc/sys/net/ipv4/{setting}").Split('\t', ' ')[2], CultureInfo.InvariantCulture);

    private sealed class Sender
    {
        private int _sentBytes;

        public Sender(Socket client, byte[] message, CancellationToken cancellationToken) => Done = SendAsync(client, message, cancellationToken);

        public Task Done { get; }

        public int SentBytes => Volatile.Read(ref _sentBytes);

        private async Task SendAsync(Socket client, byte[] message, CancellationToken cancellationToken)
        {
            while (_sentBytes < message.Length)
            {
                int sent = await client.SendAsync(message.AsMemory(_sentBytes, Math.Min(64 * 1024, message.Length - _sentBytes)), cancellationToken);
                Volatile.Write(ref _sentBytes, _sentBytes + sent);
            }
        }
    }
}
