using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ProtoServer.SpecVectors;

namespace LineEcho.Tests;

/// <summary>Processes that take their listening socket from whoever started them, as systemd's socket units do, and the transport that the environment asks for.</summary>
public sealed partial class RestartTests
{
    private const int SigTerm = 15;

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Restart_OnASocketThatStaysOpen_RefusesNobodyAndAnswersEverybody(string loops)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/bin/bash"), "passes a descriptor on by bash, on Linux");
        using Socket manager = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        manager.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        manager.Listen(512);
        EndPoint address = manager.LocalEndPoint!;

        SampleProcess server = await StartAsync(manager, loops);
        try
        {
            Assert.Equal($"listening on {address}", server.FirstLine);
            int answered = 0;
            using CancellationTokenSource stop = new();
            Task clients = Task.WhenAll(Enumerable.Range(0, 3).Select(client => Task.Run(async () =>
            {
                // Over and over: a refused connect, a reset and an end without the answer are exceptions.
                for (int number = 0; !stop.IsCancellationRequested; number++)
                {
                    string line = $"client {client}, number {number}\n";
                    using LineClient connection = await LineClient.ConnectAsync(address);
                    await connection.SendAsync(line);
                    Assert.Equal(line, await connection.ReadTextAsync(line.Length));
                    Interlocked.Increment(ref answered);
                }
            })));
            for (int restart = 0; restart < 3; restart++)
            {
                await AnsweredAsync(Volatile.Read(ref answered) + 100);
                server.Signal(SigTerm);
                Assert.Equal(0, await server.WaitForExitAsync());
                Assert.Equal("", server.Errors);
                await server.DisposeAsync();
                server = await StartAsync(manager, loops);
            }
            await AnsweredAsync(Volatile.Read(ref answered) + 100);
            await stop.CancelAsync();
            await clients.WaitAsync(TimeSpan.FromSeconds(60));

            async Task AnsweredAsync(int count)
            {
                using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(60));
                while (Volatile.Read(ref answered) < count && !clients.IsCompleted)
                {
                    await Task.Delay(5, deadline.Token);
                }
                if (clients.IsFaulted)
                {
                    await clients;
                }
            }
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("epoll")]
    [InlineData("sockets")]
    [InlineData("")]
    public async Task Transport_NamedByTheEnvironment_Serves(string transport)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "epoll is Linux's, and so are the names of a process's threads");
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho", ("PROTOSERVER_TRANSPORT", transport));

        using LineClient client = await LineClient.ConnectAsync(server.EndPoint);
        await client.SendAsync("hello\n");
        Assert.Equal("hello\n", await client.ReadTextAsync(6));
        // The runtime's own sockets are polled by a thread of that name; ours need none.
        Assert.Equal(transport == "sockets", server.ThreadNames().Contains(".NET Sockets"));
        Assert.Equal("", server.Errors);
    }

    [Fact]
    public async Task Transport_ThatTheEnvironmentInvents_IsAClearError()
    {
        (int exitCode, string output, string errors) = await SampleProcess.RunAsync("LineEcho", ("PROTOSERVER_TRANSPORT", "nonsense"));

        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.Contains("PROTOSERVER_TRANSPORT is 'nonsense': set it to epoll or sockets", errors);
        Assert.DoesNotContain("   at ", errors);
    }

    private static async Task<SampleProcess> StartAsync(Socket listening, string loops)
    {
        // Unlike the socket's own descriptor, a plain duplicate is inherited.
        int inherited = Duplicate((int)listening.SafeHandle.DangerousGetHandle());
        try
        {
            return await SampleProcess.ListenOnAsync("LineEcho", inherited, "--loops", loops);
        }
        finally
        {
            _ = Close(inherited);
        }
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
