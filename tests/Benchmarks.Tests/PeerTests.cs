using System.Net;
using System.Net.Sockets;
using Benchmarks.Running;

namespace Benchmarks.Tests;

/// <summary>A peer that loses bytes would be a fast one.</summary>
public class PeerTests
{
    private const int Bytes = 8 * 1024 * 1024; // more than the kernel's buffers of both sides hold
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
        await client.ConnectAsync(IPAddress.Loopback, server.Port, deadline.Token);
        byte[] message = Lines();

        // The sender is stopped by the server, which stops reading while nobody takes its answers; only then the reader begins.
        Task sending = SendAsync(client, message, deadline.Token);
        while (client.Available == 0)
        {
            await Task.Yield();
            deadline.Token.ThrowIfCancellationRequested();
        }

        byte[] received = new byte[Bytes];
        for (int count = 0; count < Bytes;)
        {
            int part = await client.ReceiveAsync(received.AsMemory(count), deadline.Token);
            Assert.NotEqual(0, part);
            count += part;
        }

        await sending;
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

    private static async Task SendAsync(Socket client, byte[] message, CancellationToken cancellationToken)
    {
        for (int sent = 0; sent < message.Length;)
        {
            sent += await client.SendAsync(message.AsMemory(sent), cancellationToken);
        }
    }

    private static byte[] Lines()
    {
        byte[] bytes = new byte[Bytes];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)((i + 1) % 64 == 0 ? '\n' : 'a' + (i % 25));
        }

        return bytes;
    }
}
