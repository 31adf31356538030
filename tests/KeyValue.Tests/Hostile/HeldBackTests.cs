using System.Net.Sockets;
using KeyValue.Tests.Support;

namespace KeyValue.Tests.Hostile;

/// <summary>What a client can make a server keep while it waits for the disk.</summary>
public sealed class HeldBackTests : IDisposable
{
    private const long MiB = 1024 * 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("keyvalue-").FullName;

    private string DataFile => Path.Combine(_folder, "data.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Reply_BehindOneThatWaitsForTheDisk_IsHeldToTheOutputLimit()
    {
        await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", DataFile, "--durability", "always", "--max-output", "32mb");
        using RawClient probe = await RawClient.ConnectAsync(server.Port);
        await probe.AskAsync("SET", "big", new string('x', (int)MiB));
        long before = server.ResidentBytes;
        using RawClient client = await RawClient.ConnectAsync(server.Port);

        await client.SendAsync("SET a 1\r\nMGET" + string.Concat(Enumerable.Repeat(" big", 1000)) + "\r\n");

        await Assert.ThrowsAsync<SocketException>(() => client.ReadToEndAsync());
        Assert.Equal("$1\r\n1\r\n", await probe.AskAsync("GET", "a"));
        long grown = server.ResidentBytes - before;
        Assert.True(grown < 250 * MiB, $"A reply of 1000 MiB behind a write made the server grow by {grown / MiB} MiB.");
        Assert.Contains("--max-output", server.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("always", true)]
    [InlineData("everysec", true)]
    [InlineData("none", true)]
    [InlineData("everysec", false)]
    public async Task Writes_ThatMakeMoreThanTheDiskTakes_WaitForIt(string durability, bool replies)
    {
        // Thirty octets each, and sixteen mebibytes to write.
        const int Writes = 60;
        await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", DataFile, "--durability", durability);
        using RawClient client = await RawClient.ConnectAsync(server.Port);
        Assert.Equal($":{16 * MiB}\r\n", await client.AskAsync("SETRANGE", "k", $"{(16 * MiB) - 1}", "x"));
        long before = server.ResidentBytes;
        long most = before;

        string mode = replies ? "" : "CLIENT REPLY OFF\r\n";
        await client.SendAsync(mode + string.Concat(Enumerable.Range(0, Writes).Select(i => $"SETRANGE k {i} x\r\n")) + "CLIENT REPLY ON\r\n");

        using RawClient probe = await RawClient.ConnectAsync(server.Port);
        for (int reply = 0; reply < (replies ? Writes : 0); reply++)
        {
            Assert.Equal($":{16 * MiB}\r\n", await client.ReadReplyAsync());
            most = Math.Max(most, server.ResidentBytes);
            Assert.Equal("+PONG\r\n", await probe.AskAsync("PING"));
        }
        Assert.Equal("+OK\r\n", await client.ReadReplyAsync());
        most = Math.Max(most, server.ResidentBytes);
        TestContext.Current.SendDiagnosticMessage($"{Writes} writes of 16 MiB, {durability}: {(most - before) / MiB} MiB");
        // 64 MiB may wait, and what the database and the collector need to work on that.
        Assert.True(most - before < 850 * MiB, $"{Writes} small requests made the server grow by {(most - before) / MiB} MiB.");
    }

    [Fact]
    public async Task Signal_WithMoreReceivedThanRepliesAreHeld_AnswersAll()
    {
        const int Requests = 40_000;
        await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", DataFile, "--durability", "always");
        using RawClient client = await RawClient.ConnectAsync(server.Port);
        await client.SendAsync(string.Concat(Enumerable.Repeat("INCR n\r\n", Requests)));
        Assert.Equal(":1\r\n", await client.ReadReplyAsync());

        Task<int> end = server.TerminateAsync();

        Assert.EndsWith($"\r\n:{Requests}\r\n", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await end);
    }
}
