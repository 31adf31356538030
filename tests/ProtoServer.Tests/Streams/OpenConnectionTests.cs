using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>Both ends as streams.</summary>
public sealed class OpenConnectionTests
{
    [Theory]
    [InlineData(TransportKind.Automatic)]
    [InlineData(TransportKind.Sockets)]
    public async Task OpenConnection_ToAStreamServer_TalksLines(TransportKind kind)
    {
        using var test = new TestLoop(new EventLoopOptions { Transport = kind });
        Server server = test.Loop.StartServer(
            static async connection =>
            {
                await foreach (string line in connection.ReadLinesAsync())
                {
                    await connection.WriteLineAsync($"{line}!");
                }
            },
            "127.0.0.1",
            0);
        string?[] answers = await test.RunAsync(async () =>
        {
            await using StreamConnection client = await test.Loop.OpenConnectionAsync("127.0.0.1", server.Port);
            await client.WriteLineAsync("one");
            await client.WriteLineAsync("two");
            string? first = await client.ReadLineAsync();
            string? second = await client.ReadLineAsync();
            client.Output.Complete();
            return new[] { first, second, await client.ReadLineAsync() };
        });
        Assert.Equal(["one!", "two!", null], answers);
        await Deadlines.UntilAsync(() => server.Connections == 0, "no connection");
        Assert.Empty(test.Reports);
    }

    [Fact]
    public async Task OpenConnection_NobodyListens_FailsAndNamesTheAddress()
    {
        using var test = new TestLoop();
        Server server = test.Loop.CreateServer(() => new EchoProtocol(), "127.0.0.1", 0);
        server.Close();
        await server.WaitClosedAsync().Within();
        ConnectException refused = await Assert.ThrowsAsync<ConnectException>(() => test.Loop.OpenConnectionAsync("127.0.0.1", server.Port).Within());
        Assert.Contains($"127.0.0.1:{server.Port}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TransportKind.Automatic, false)]
    [InlineData(TransportKind.Automatic, true)]
    [InlineData(TransportKind.Sockets, false)]
    [InlineData(TransportKind.Sockets, true)]
    public async Task Dispose_WhileAReadIsPending_TheReadFails(TransportKind kind, bool watched)
    {
        using var test = new TestLoop(new EventLoopOptions { Transport = kind });
        Server server = test.Loop.StartServer(static async connection => await connection.ReadLineAsync(), "127.0.0.1", 0);
        await test.RunAsync(async () =>
        {
            var options = new ClientOptions { IdleTimeout = watched ? TimeSpan.FromMinutes(1) : Timeout.InfiniteTimeSpan };
            StreamConnection client = await test.Loop.OpenConnectionAsync("127.0.0.1", server.Port, options);
            Task<string?> reading = client.ReadLineAsync().AsTask();
            await client.DisposeAsync();
            await Assert.ThrowsAsync<ConnectionAbortedException>(() => reading);
        });
        Assert.Empty(test.Reports);
    }
}
