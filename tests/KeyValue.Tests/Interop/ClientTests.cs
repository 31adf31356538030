using System.Diagnostics;
using System.Globalization;
using KeyValue.Tests.Support;
using StackExchange.Redis;

namespace KeyValue.Tests.Interop;

/// <summary>Programs and libraries that nobody here wrote. Each is skipped by name where it is not installed.</summary>
public sealed class ClientTests(ClientTests.Shared shared) : IClassFixture<ClientTests.Shared>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("PONG\n", "PING")]
    [InlineData("OK\n", "SET", "cli", "a value")]
    [InlineData("a value\n", "-n", "3", "SET", "cli", "a value", "GET")]
    [InlineData("PONG\n", "-3", "PING")]
    [InlineData("maxmemory\n0\n", "CONFIG", "GET", "maxmemory")]
    public async Task RedisCli_ACommand_PrintsItsReply(string output, params string[] arguments)
    {
        if (arguments.Contains("-n"))
        {
            await CliAsync("-n", "3", "SET", "cli", "a value");
        }
        Assert.Equal(output, await CliAsync(arguments));
    }

    [Fact]
    public async Task RedisCli_Pipe_LosesNothing()
    {
        byte[] requests = [.. Enumerable.Range(0, 10_000).SelectMany(i => RawClient.Request("SET", $"pipe:{i}", $"value {i}"))];
        (int code, string output) = await Tool.RunAsync(Cli, ["-p", Port, "--pipe"], Deadline, requests);
        Assert.Contains("errors: 0, replies: 10000", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task RedisCli_Scan_FindsEveryKey()
    {
        await CliAsync([.. new[] { "-n", "5", "MSET" }, .. Enumerable.Range(0, 500).SelectMany(i => new[] { $"scan:{i}", "v" })]);
        string output = await CliAsync("-n", "5", "--scan", "--pattern", "scan:*");
        Assert.Equal(500, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct().Count());
        Assert.Contains("Biggest string found", await CliAsync("-n", "5", "--bigkeys"), StringComparison.Ordinal);
        Assert.Contains("Biggest string found", await CliAsync("-n", "5", "--memkeys"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RedisCli_Stat_PrintsALineOfNumbers()
    {
        string script = Tool.Require("script", "bsdutils");
        // Through a terminal, because into a pipe it would keep its lines to itself until they fill a block.
        (_, string output) = await Tool.RunAsync(script, ["-qec", $"timeout 3 {Cli} -p {Port} --stat -i 1", "/dev/null"], Deadline);
        Assert.Contains("clients", output, StringComparison.Ordinal);
        Assert.True(output.Split('\n').Length >= 3, output);
    }

    [Fact]
    public async Task RedisCli_Interactive_KnowsTheCommands()
    {
        string script = Tool.Require("script", "bsdutils");
        using Process terminal = Process.Start(new ProcessStartInfo(script, ["-qec", $"stty cols 80 rows 24; {Cli} -p {Port}", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            string screen = await ReadPastAsync(terminal, "> ");
            foreach (string line in new[] { "set typed \"by hand\"", "append typed !", "help get" })
            {
                // What is typed is shown again with each key, so the answer is what follows the end of the line.
                await terminal.StandardInput.WriteAsync(line + "\r");
                await terminal.StandardInput.FlushAsync();
                screen += await ReadPastAsync(terminal, line.StartsWith("help", StringComparison.Ordinal) ? "\u001b[0m string" : "\n127.0.0.1:");
            }
            Assert.Contains("OK", screen, StringComparison.Ordinal);
            Assert.Contains("(integer) 8", screen, StringComparison.Ordinal);
            Assert.Contains("[NX|XX]", screen, StringComparison.Ordinal);
            Assert.Contains("Tells the value of a key", screen, StringComparison.Ordinal);
        }
        finally
        {
            terminal.Kill(entireProcessTree: true);
        }
    }

    private static async Task<string> ReadPastAsync(Process terminal, string text)
    {
        System.Text.StringBuilder seen = new();
        char[] one = new char[1];
        while (!seen.ToString().EndsWith(text, StringComparison.Ordinal))
        {
            int read = await terminal.StandardOutput.ReadAsync(one).AsTask().WaitAsync(TimeSpan.FromSeconds(15));
            Assert.True(read == 1, $"redis-cli ended; it had shown: {seen}");
            seen.Append(one[0]);
        }
        return seen.ToString();
    }

    [Theory]
    [InlineData("-P", "1")]
    [InlineData("-P", "64")]
    [InlineData("-P", "16", "-3")]
    [InlineData("-c", "500")]
    public async Task RedisBenchmark_EveryTestWeKnow_EndsWithoutAnError(params string[] arguments)
    {
        string program = Tool.Require("redis-benchmark", "redis-tools");
        (int code, string output) = await Tool.RunAsync(program, ["-p", Port, "-t", "ping,set,get,incr,mset", "-n", "10000", "--csv", .. arguments], Deadline);
        Assert.Equal(0, code);
        Assert.DoesNotContain("rror", output, StringComparison.Ordinal);
        Assert.Equal(6, output.Split('\n').Count(line => line.StartsWith("\"PING", StringComparison.Ordinal) || line.StartsWith("\"SET", StringComparison.Ordinal)
            || line.StartsWith("\"GET", StringComparison.Ordinal) || line.StartsWith("\"INCR", StringComparison.Ordinal) || line.StartsWith("\"MSET", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task StackExchangeRedis_AnAppsWork_Succeeds()
    {
        using ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions
        {
            EndPoints = { $"127.0.0.1:{Port}" },
            AllowAdmin = true,
            AbortOnConnectFail = true,
        });
        IDatabase database = connection.GetDatabase(7);
        Assert.True(await database.StringSetAsync("session", "alice", TimeSpan.FromMinutes(5)));
        Assert.False(await database.StringSetAsync("session", "bob", when: When.NotExists));
        RedisValueWithExpiry found = await database.StringGetWithExpiryAsync("session");
        Assert.Equal("alice", found.Value);
        Assert.InRange(found.Expiry!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
        Assert.Equal("alice", await database.StringGetSetAsync("session", "carol"));
        Assert.Null(await database.KeyTimeToLiveAsync("session"));

        long[] counts = await Task.WhenAll(Enumerable.Range(0, 20_000).Select(_ => database.StringIncrementAsync("hits")));
        Assert.Equal(Enumerable.Range(1, 20_000).Select(count => (long)count), counts);

        byte[] blob = new byte[3_000_000];
        Random.Shared.NextBytes(blob);
        await database.StringSetAsync("blob", blob);
        Assert.Equal(blob, (byte[]?)await database.StringGetAsync("blob"));
        Assert.Equal(4, await database.StringAppendAsync("log", "abcd"));

        await database.StringSetAsync([.. Enumerable.Range(0, 1000).Select(i => new KeyValuePair<RedisKey, RedisValue>($"many:{i}", i))]);
        IServer server = connection.GetServers()[0];
        Assert.Equal(1000, server.Keys(7, "many:*", pageSize: 50).Distinct().Count());
        Assert.Equal(1000, await database.KeyDeleteAsync([.. Enumerable.Range(0, 1000).Select(i => (RedisKey)$"many:{i}")]));
        Assert.Contains("LPUSH", (await Assert.ThrowsAsync<RedisServerException>(() => database.ListLeftPushAsync("list", "x"))).Message, StringComparison.Ordinal);
        await server.FlushDatabaseAsync(7);
        Assert.False(await database.KeyExistsAsync("session"));
    }

    [Fact]
    public async Task Ioredis_AnAppsWork_Succeeds()
    {
        string node = Tool.Require("node", "nodejs");
        string npm = Tool.Require("npm", "npm");
        string folder = Path.Combine(Path.GetTempPath(), "keyvalue-ioredis-6.0.0");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "ioredis")))
        {
            Directory.CreateDirectory(folder);
            (int installed, string log) = await Tool.RunAsync(npm, ["install", "--prefix", folder, "--no-audit", "--no-fund", "ioredis@6.0.0"], TimeSpan.FromSeconds(120));
            Assert.SkipWhen(installed != 0, "npm could not install ioredis (no network?): " + log.Split('\n')[0]);
        }
        (int code, string output) = await Tool.RunAsync(node, [Path.Combine(AppContext.BaseDirectory, "Interop", "ioredis.mjs"), Port, folder], Deadline);
        Assert.True(code == 0, output);
    }

    private string Port => shared.Server.Port.ToString(CultureInfo.InvariantCulture);

    private static string Cli => Tool.Require("redis-cli", "redis-tools");

    private async Task<string> CliAsync(params string[] arguments)
    {
        (int code, string output) = await Tool.RunAsync(Cli, ["-p", Port, .. arguments], Deadline);
        Assert.True(code == 0, output);
        return output;
    }

    /// <summary>One server for all of them: they use different keys.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        internal ServerProcess Server { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Server = await ServerProcess.StartKeyValueAsync();

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
