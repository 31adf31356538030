using System.Globalization;
using KeyValue.Journal;
using KeyValue.Store;
using KeyValue.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using ProtoServer;

namespace KeyValue.Tests.Durability;

public sealed class DurabilityTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("keyvalue-").FullName;

    private string File => Path.Combine(_folder, "data.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // 200 by KEYVALUE_KILLS=200; a few are enough to see a server that acknowledges too early.
    [Fact]
    public async Task Kill_AtAnyMomentUnderAlways_LosesNoAcknowledgedWrite()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("KEYVALUE_KILLS") ?? "8", CultureInfo.InvariantCulture);
        int seed = Environment.TickCount;
        Random random = new(seed);
        Writer[] writers = [.. Enumerable.Range(0, 4).Select(number => new Writer($"writer{number}"))];
        for (int kill = 0; kill < kills; kill++)
        {
            await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File, "--durability", "always");
            foreach (Writer writer in writers)
            {
                long found = await writer.ReadAsync(server.Port);
                Assert.True(found >= writer.Acknowledged && found <= writer.Sent, $"Seed {seed}, kill {kill}: {writer.Key} is {found}, acknowledged {writer.Acknowledged}, sent {writer.Sent}.");
            }
            Task[] writing = [.. writers.Select(writer => writer.WriteUntilKilledAsync(server.Port))];
            await Task.Delay(random.Next(20, 200));
            await server.KillAsync();
            await Task.WhenAll(writing).WaitAsync(Deadline);
        }
        Assert.All(writers, writer => Assert.True(writer.Acknowledged > 0));
    }

    [Fact]
    public async Task Kill_UnderEverySecond_LosesAtMostTheLastSecond()
    {
        long acknowledgedBeforeTheSecond = 0;
        Writer writer = new("counter");
        await using (ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File, "--durability", "everysec"))
        {
            Task writing = writer.WriteUntilKilledAsync(server.Port);
            while (writer.Acknowledged == 0 && !writing.IsCompleted)
            {
                await Task.Delay(50);
            }
            acknowledgedBeforeTheSecond = writer.Acknowledged;
            await Task.Delay(1000);
            await server.KillAsync();
            await writing.WaitAsync(Deadline);
        }
        await using ServerProcess again = await ServerProcess.StartKeyValueAsync("--data", File);
        Assert.True(acknowledgedBeforeTheSecond > 0);
        Assert.InRange(await writer.ReadAsync(again.Port), acknowledgedBeforeTheSecond, writer.Sent);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("everysec")]
    [InlineData("always")]
    public async Task Stop_ByRequest_KeepsEverything(string durability)
    {
        await using (ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File, "--durability", durability))
        {
            using RawClient client = await RawClient.ConnectAsync(server.Port);
            await client.SendAsync("SET a 1\r\nSET b xyz EXAT 33177117420\r\nSELECT 3\r\nSET c \"\\x00\\xff\"\r\nAPPEND c !\r\nSET d 1\r\nDEL d\r\nSWAPDB 3 4\r\nSELECT 5\r\nSET e 1\r\nFLUSHDB\r\nSHUTDOWN\r\n");
            Assert.Equal("+OK\r\n+OK\r\n+OK\r\n+OK\r\n:3\r\n+OK\r\n:1\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", await client.ReadToEndAsync());
            Assert.Equal(0, await server.WaitForExitAsync());
        }
        await using ServerProcess again = await ServerProcess.StartKeyValueAsync("--data", File, "--durability", durability);
        using RawClient reader = await RawClient.ConnectAsync(again.Port);
        await reader.SendAsync("GET a\r\nGET b\r\nEXPIRETIME b\r\nSELECT 4\r\nGET c\r\nDBSIZE\r\nSELECT 3\r\nDBSIZE\r\nSELECT 5\r\nDBSIZE\r\nQUIT\r\n");
        Assert.Equal("$1\r\n1\r\n$3\r\nxyz\r\n:33177117420\r\n+OK\r\n$3\r\n\0\xff!\r\n:1\r\n+OK\r\n:0\r\n+OK\r\n:0\r\n+OK\r\n", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task Signal_WithRequestsReceived_AnswersThemAndKeepsTheirWrites()
    {
        await using (ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File, "--durability", "always"))
        {
            using RawClient client = await RawClient.ConnectAsync(server.Port);
            Assert.Equal("+OK\r\n", await client.AskAsync("SET", "n", "0"));
            await client.SendAsync(string.Concat(Enumerable.Repeat("INCR n\r\n", 2000)));
            Assert.Equal(":1\r\n", await client.ReadReplyAsync());
            Assert.Equal(0, await server.TerminateAsync());
            string rest = await client.ReadToEndAsync();
            Assert.EndsWith(":2000\r\n", rest, StringComparison.Ordinal);
        }
        await using ServerProcess again = await ServerProcess.StartKeyValueAsync("--data", File);
        using RawClient reader = await RawClient.ConnectAsync(again.Port);
        Assert.Equal("$4\r\n2000\r\n", await reader.AskAsync("GET", "n"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(40, 0)]
    [InlineData(300, 2)]
    [InlineData(1100, 10)]
    public void Recovery_ThatTakesItsTime_TellsEachSecondHowFarItIs(int millisecondsPerLook, int told)
    {
        const int keys = 640;
        using EventLoop loop = new();
        loop.RunUntilComplete(() =>
        {
            using JournalFile file = new(File, Journal.Durability.None);
            using (SqliteConnection connection = new($"Data Source={File};Pooling=False"))
            {
                connection.Open();
                using SqliteCommand command = connection.CreateCommand();
                command.CommandText = $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{keys}) INSERT INTO entries(database,key,value,expires) SELECT 0,CAST('key'||i AS BLOB),CAST(i AS BLOB),0 FROM n";
                command.ExecuteNonQuery();
            }
            List<long> progress = [];
            KeySpace space = new(loop.TimeProvider);
            Assert.Equal(keys, file.Recover(space, new SlowClock(TimeSpan.FromMilliseconds(millisecondsPerLook)), progress.Add));
            Assert.Equal(keys, space[0].Count);
            Assert.Equal(progress.Order().Distinct(), progress);
            Assert.All(progress, count => Assert.InRange(count, 1, keys));
            Assert.Equal(told, progress.Count);
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task Recovery_OfAFile_SaysHowManyKeysItRead()
    {
        await using (ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File))
        {
            using RawClient client = await RawClient.ConnectAsync(server.Port);
            await client.SendAsync("MSET a 1 b 2 c 3\r\nSHUTDOWN\r\n");
            await client.ReadToEndAsync();
            Assert.Equal(0, await server.WaitForExitAsync());
        }
        await using ServerProcess again = await ServerProcess.StartKeyValueAsync("--data", File, "--log", "Information");
        Assert.Equal(0, await again.TerminateAsync());
        Assert.Contains($"Read 3 keys from {File} in ", again.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("always")]
    [InlineData("everysec")]
    public async Task DiskFull_RefusesWritesAndGoesOnReading(string durability)
    {
        using EventLoop loop = EventLoop.Start();
        JournalFile file = new(File, durability == "always" ? Journal.Durability.Always : Journal.Durability.EverySecond);
        file.LimitPages(20);
        KeyValueServer? keyValue = null;
        Server? server = null;
        await OnLoopAsync(loop, () =>
        {
            keyValue = new KeyValueServer(loop, new KeyValueOptions { DataFile = File, Durability = durability == "always" ? Journal.Durability.Always : Journal.Durability.EverySecond }, NullLogger.Instance, file);
            server = loop.CreateServer(keyValue.CreateSession, "127.0.0.1", 0);
            keyValue.StartTicking();
        });
        using RawClient client = await RawClient.ConnectAsync(server!.Port);
        string value = new('v', 20_000);
        Assert.Equal("+OK\r\n", await client.AskAsync("SET", "small", "1"));
        string reply = "+OK\r\n";
        int stored = 0;
        for (; stored < 1000 && reply == "+OK\r\n"; stored++)
        {
            reply = await client.AskAsync("SET", $"key{stored}", value);
        }

        Assert.StartsWith("-MISCONF Errors writing to the AOF file: ", reply, StringComparison.Ordinal);
        Assert.Equal("$1\r\n1\r\n", await client.AskAsync("GET", "small"));
        Assert.StartsWith("-MISCONF ", await client.AskAsync("SET", "small", "2"), StringComparison.Ordinal);

        // Room again: what was refused is committed now, and writes are accepted.
        await OnLoopAsync(loop, () => file.LimitPages(1_000_000));
        DateTime end = DateTime.UtcNow + Deadline;
        while ((reply = await client.AskAsync("SET", "small", "3")) != "+OK\r\n" && DateTime.UtcNow < end)
        {
            await Task.Delay(100);
        }
        Assert.Equal("+OK\r\n", reply);
        await server.ShutdownAsync().WaitAsync(Deadline);
        await OnLoopAsync(loop, keyValue!.Dispose);

        await using ServerProcess again = await ServerProcess.StartKeyValueAsync("--data", File);
        using RawClient reader = await RawClient.ConnectAsync(again.Port);
        Assert.Equal("$1\r\n3\r\n", await reader.AskAsync("GET", "small"));
        string[] keys = [.. Enumerable.Range(0, stored).Select(number => $"key{number}")];
        // The last one was refused: it is there if it was carried out before anyone knew that the disk was full.
        Assert.Contains(await reader.AskAsync(["EXISTS", .. keys]), new[] { $":{stored}\r\n", $":{stored - 1}\r\n" });
    }

    [Fact]
    public async Task Write_WhileAnotherProgramHasTheFileLocked_WaitsForIt()
    {
        await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File, "--durability", "always");
        using RawClient client = await RawClient.ConnectAsync(server.Port);
        Assert.Equal("+OK\r\n", await client.AskAsync("SET", "a", "1"));
        using SqliteConnection other = new($"Data Source={File};Pooling=False");
        other.Open();
        SqliteTransaction writing = other.BeginTransaction(deferred: false);

        Task<string> reply = client.AskAsync("SET", "a", "2");
        using RawClient reader = await RawClient.ConnectAsync(server.Port);
        await Eventually.TrueAsync(async () => await reader.AskAsync("GET", "a") == "$1\r\n2\r\n");
        Assert.False(reply.IsCompleted);
        writing.Rollback();

        Assert.Equal("+OK\r\n", await reply);
    }

    [Fact]
    public async Task Shutdown_WriteArrivesWithIt_IsAnsweredAfterItsCommit()
    {
        using EventLoop loop = EventLoop.Start();
        KeyValueServer? keyValue = null;
        Server? server = null;
        await OnLoopAsync(loop, () =>
        {
            keyValue = new KeyValueServer(loop, new KeyValueOptions { DataFile = File, Durability = Journal.Durability.Always }, NullLogger.Instance);
            server = loop.CreateServer(keyValue.CreateSession, "127.0.0.1", 0);
        });
        using RawClient client = await RawClient.ConnectAsync(server!.Port);
        Assert.Equal("+OK\r\n", await client.AskAsync("SET", "a", "1"));
        using SqliteConnection other = new($"Data Source={File};Pooling=False");
        other.Open();
        SqliteTransaction writing = other.BeginTransaction(deferred: false);

        // Nothing is held back yet when the session is told.
        Task<DrainReport>? shutdown = null;
        var received = new TaskCompletionSource();
        var holding = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.CallSoonThreadSafe(() =>
        {
            holding.SetResult();
            received.Task.Wait(Deadline);
            shutdown = server.ShutdownAsync();
        });
        await holding.Task.WaitAsync(Deadline);
        await client.SendAsync("SET a 2\r\n");
        received.SetResult();
        long executed = 0;
        await Eventually.TrueAsync(async () =>
        {
            await OnLoopAsync(loop, () => executed = keyValue!.Journal!.Changes);
            return executed == 2;
        });
        for (int turn = 0; turn < 20; turn++)
        {
            await OnLoopAsync(loop, static () => { });
        }
        writing.Rollback();

        Assert.Equal("+OK\r\n", await client.ReadToEndAsync());
        DrainReport report = await shutdown!.WaitAsync(Deadline);
        Assert.Equal((1, 0), (report.Closed, report.Aborted));
        await OnLoopAsync(loop, keyValue!.Dispose);
    }

    [Fact]
    public async Task Commit_AfterTheLoopWasClosed_LosesNothingAndHarmsNobody()
    {
        EventLoop loop = EventLoop.Start();
        KeyValueServer? keyValue = null;
        SqliteTransaction? writing = null;
        using SqliteConnection other = new($"Data Source={File};Pooling=False");
        await OnLoopAsync(loop, () =>
        {
            keyValue = new KeyValueServer(loop, new KeyValueOptions { DataFile = File }, NullLogger.Instance);
            other.Open();
            writing = other.BeginTransaction(deferred: false);
            MemoryTransport transport = new(loop, keyValue.CreateSession());
            transport.Feed("SET k v\r\n");
        });
        // Submitted in the turn after; then the thread waits for the other program.
        await OnLoopAsync(loop, static () => { });
        await OnLoopAsync(loop, static () => { });
        loop.Dispose();
        writing!.Rollback();

        keyValue!.Dispose();

        Assert.Null(keyValue.Journal!.Lost);
        await using ServerProcess again = await ServerProcess.StartKeyValueAsync("--data", File);
        using RawClient reader = await RawClient.ConnectAsync(again.Port);
        Assert.Equal("$1\r\nv\r\n", await reader.AskAsync("GET", "k"));
    }

    [Fact]
    public void Stop_WhileTheDiskIsFull_SaysWhatIsLost()
    {
        using EventLoop loop = new();
        loop.RunUntilComplete(() =>
        {
            JournalFile file = new(File, Journal.Durability.EverySecond);
            file.LimitPages(20);
            KeyValueServer server = new(loop, new KeyValueOptions { DataFile = File }, NullLogger.Instance, file);
            MemoryTransport transport = new(loop, server.CreateSession());
            transport.Feed($"SET k {new string('v', 60_000)}\r\nSET l {new string('v', 60_000)}\r\n");
            Assert.Equal("+OK\r\n+OK\r\n", transport.TakeText());

            server.Dispose();

            Assert.Contains("full", server.Journal!.Lost, StringComparison.Ordinal);
            return Task.CompletedTask;
        });
    }

    private static async Task OnLoopAsync(EventLoop loop, Action action)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.CallSoonThreadSafe(() =>
        {
            try
            {
                action();
                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        await done.Task.WaitAsync(Deadline);
    }

    /// <summary>Writes rising numbers to one key, eight at a time, and remembers which were acknowledged.</summary>
    private sealed class Writer(string key)
    {
        private const int Depth = 8;

        public string Key { get; } = key;

        public long Sent { get; private set; }

        public long Acknowledged { get; private set; }

        public async Task WriteUntilKilledAsync(int port)
        {
            try
            {
                using RawClient client = await RawClient.ConnectAsync(port);
                while (true)
                {
                    long first = Sent + 1;
                    Sent += Depth;
                    await client.SendAsync(string.Concat(Enumerable.Range(0, Depth).Select(i => $"SET {Key} {first + i}\r\n")));
                    for (int i = 0; i < Depth; i++)
                    {
                        Assert.Equal("+OK\r\n", await client.ReadReplyAsync());
                        Acknowledged = first + i;
                    }
                }
            }
            catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
            {
                // Killed: that is what is waited for.
            }
        }

        public async Task<long> ReadAsync(int port)
        {
            using RawClient client = await RawClient.ConnectAsync(port);
            string reply = await client.AskAsync("GET", Key);
            long value = reply == "$-1\r\n" ? 0 : long.Parse(reply.Split("\r\n")[1], CultureInfo.InvariantCulture);
            // What was sent without an acknowledgement may or may not be there; from here on it counts.
            Sent = Math.Max(Sent, value);
            return value;
        }
    }

    /// <summary>A clock that goes on by so much at each look.</summary>
    private sealed class SlowClock(TimeSpan step) : TimeProvider
    {
        private long _looks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => step.Ticks * _looks++;
    }
}
