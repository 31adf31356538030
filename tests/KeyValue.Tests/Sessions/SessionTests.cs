using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Text;
using CsCheck;
using KeyValue.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using ProtoServer;
using Resp;

namespace KeyValue.Tests.Sessions;

public sealed class SessionTests : IDisposable
{
    private readonly EventLoop _loop = new();

    public void Dispose() => _loop.Dispose();

    [Theory]
    [InlineData("PING")]
    [InlineData("GET key")]
    [InlineData("SET key some-value-of-the-same-length")]
    [InlineData("INCR number")]
    [InlineData("GET number")]
    public void Command_InSteadyState_AllocatesNothing(string command)
    {
        RunOnLoop(() =>
        {
            MemoryTransport transport = new(_loop, NewServer().CreateSession());
            transport.Feed("SET key some-value-of-the-same-length\r\nINCR number\r\n");
            ReadOnlySequence<byte> batch = new([.. Enumerable.Repeat(RawClient.Request(command.Split(' ')), 16).SelectMany(bytes => bytes)]);
            Repeat(transport, batch, 1000);

            long before = GC.GetAllocatedBytesForCurrentThread();
            Repeat(transport, batch, 1000);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.Equal(0, allocated);
        });
    }

    [Fact]
    public void LateAnswers_InAnyOrder_LeaveInTheOrderOfTheRequests()
    {
        RunOnLoop(() =>
        {
            KeyValueServer server = NewServer();
            LateExecutor late = new(server.Executor);
            server.Executor = late;
            MemoryTransport transport = new(_loop, server.CreateSession());

            transport.Feed("PING first\r\nLATE a\r\nPING second\r\nLATE b\r\nPING third\r\n");
            Assert.Equal("$5\r\nfirst\r\n", transport.TakeText());

            late.Pending["b"].Complete("+b\r\n"u8);
            Assert.Equal("", transport.TakeText());

            late.Pending["a"].Complete("+a\r\n"u8);
            Assert.Equal("+a\r\n$6\r\nsecond\r\n+b\r\n$5\r\nthird\r\n", transport.TakeText());

            transport.Feed("PING fourth\r\n");
            Assert.Equal("$6\r\nfourth\r\n", transport.TakeText());
        });
    }

    [Fact]
    public void LateAnswer_AfterHalfClose_IsSentBeforeTheEnd()
    {
        RunOnLoop(() =>
        {
            KeyValueServer server = NewServer();
            LateExecutor late = new(server.Executor);
            server.Executor = late;
            MemoryTransport transport = new(_loop, server.CreateSession());

            transport.Feed("LATE a\r\nPING\r\n");
            transport.FeedEof();
            Assert.False(transport.IsClosing);

            late.Pending["a"].Complete("+a\r\n"u8);
            Assert.Equal("+a\r\n+PONG\r\n", transport.TakeText());
            Assert.True(transport.IsClosing);
        });
    }

    [Fact]
    public async Task Violation_WhileAnAnswerIsLate_ComesAfterIt()
    {
        KeyValueServer server = NewServer();
        LateExecutor late = new(server.Executor);
        server.Executor = late;
        MemoryTransport? transport = null;
        RunOnLoop(() =>
        {
            transport = new MemoryTransport(_loop, server.CreateSession());
            transport.Feed("LATE a\r\n*1\r\n:\r\nPING\r\n");
            Assert.Equal("", transport.TakeText());
            late.Pending["a"].Complete("+a\r\n"u8);
        });
        // What is left of the input is offered in the next iteration.
        RunOnLoop(() => Assert.Equal("+a\r\n-ERR Protocol error: expected '$', got ':'\r\n", transport!.TakeText()));
        Assert.NotNull(transport!.Violation);
        await Task.CompletedTask;
    }

    [Fact]
    public void Requests_WhileTheClientDoesNotRead_WaitUncarriedOut()
    {
        RunOnLoop(() =>
        {
            KeyValueServer server = NewServer();
            IProtocol session = server.CreateSession();
            MemoryTransport transport = new(_loop, session);

            session.PauseWriting();
            transport.Feed("INCR n\r\nINCR n\r\n");

            Assert.Equal("", transport.TakeText());
            Assert.Equal(0, server.Space[0].Count);
        });
    }

    [Fact]
    public void Pipeline_WithKeysThatComeAndGo_AnswersAsOneRequestAtATime()
    {
        RunOnLoop(() =>
        {
            Gen<string> key = Gen.Int[0, 12].Select(i => $"key:{i}");
            Gen<string[]> request = Gen.OneOf(
                key.Select(k => (string[])["SET", k, "value"]),
                key.Select(k => (string[])["SET", k, "7"]),
                key.Select(k => (string[])["GET", k]),
                key.Select(k => (string[])["INCR", k]),
                key.Select(k => (string[])["APPEND", k, new string('x', 100)]),
                key.Select(k => (string[])["DEL", k]),
                Gen.Select(key, key, (a, b) => (string[])["MGET", a, b]),
                Gen.Int[0, 2].Select(i => (string[])["SELECT", $"{i}"]),
                Gen.Const((string[])["PING"]),
                Gen.Const((string[])["FLUSHDB"]));
            request.Array[1, 60].Sample(requests =>
            {
                MemoryTransport whole = new(_loop, NewServer().CreateSession());
                MemoryTransport single = new(_loop, NewServer().CreateSession());
                byte[][] encoded = [.. requests.Select(arguments => RawClient.Request(arguments))];

                whole.FeedAll(new ReadOnlySequence<byte>([.. encoded.SelectMany(bytes => bytes)]));
                foreach (byte[] bytes in encoded)
                {
                    single.FeedAll(new ReadOnlySequence<byte>(bytes));
                }

                Assert.Equal(single.TakeText(), whole.TakeText());
            }, iter: 200, threads: 1);
        });
    }

    [Theory]
    [InlineData("192.0.2.1", true, null, "-DENIED ")]
    [InlineData("2001:db8::1", true, null, "-DENIED ")]
    [InlineData("127.0.0.1", true, null, "+PONG\r\n")]
    [InlineData("127.0.0.2", true, null, "+PONG\r\n")]
    [InlineData("::1", true, null, "+PONG\r\n")]
    [InlineData("::ffff:127.0.0.1", true, null, "+PONG\r\n")]
    [InlineData("::ffff:192.0.2.1", true, null, "-DENIED ")]
    [InlineData("192.0.2.1", false, null, "+PONG\r\n")]
    [InlineData("192.0.2.1", true, "secret", "-NOAUTH ")]
    public void ProtectedMode_WithoutAPassword_AnswersThisMachineOnly(string peer, bool isProtected, string? password, string expected)
    {
        RunOnLoop(() =>
        {
            KeyValueServer server = new(_loop, new KeyValueOptions { IsProtected = isProtected, Password = password }, NullLogger.Instance);
            MemoryTransport transport = new(_loop, server.CreateSession(), new IPEndPoint(IPAddress.Parse(peer), 3));
            if (!transport.IsClosing)
            {
                transport.Feed("PING\r\n");
            }
            string answer = transport.TakeText();
            Assert.StartsWith(expected, answer, StringComparison.Ordinal);
            Assert.EndsWith("\r\n", answer, StringComparison.Ordinal);
            Assert.Equal(expected == "-DENIED ", transport.IsClosing);
        });
    }

    [Theory]
    [InlineData("secret", "secret", true)]
    [InlineData("pässwörd-\u65e5\u672c", "pässwörd-\u65e5\u672c", true)]
    [InlineData("\u65e5\u672c", "??", false)]
    public void Password_OfAnyLetters_IsWhatAClientSends(string password, string given, bool passes)
    {
        RunOnLoop(() =>
        {
            KeyValueServer server = new(_loop, new KeyValueOptions { Password = password }, NullLogger.Instance);
            MemoryTransport transport = new(_loop, server.CreateSession());
            transport.Feed(Encoding.UTF8.GetBytes($"AUTH {given}\r\n"));
            Assert.StartsWith(passes ? "+OK\r\n" : "-WRONGPASS ", transport.TakeText(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Password_ThatIsRemoved_KeepsNobodyOut()
    {
        RunOnLoop(() =>
        {
            KeyValueServer server = new(_loop, new KeyValueOptions { Password = "pw" }, NullLogger.Instance);
            MemoryTransport waiting = new(_loop, server.CreateSession());
            MemoryTransport admin = new(_loop, server.CreateSession());
            waiting.Feed("GET k\r\n");
            Assert.StartsWith("-NOAUTH ", waiting.TakeText(), StringComparison.Ordinal);

            admin.Feed("AUTH pw\r\nCONFIG SET requirepass \"\"\r\n");
            waiting.Feed("GET k\r\n");

            Assert.Equal("$-1\r\n", waiting.TakeText());
        });
    }

    [Fact]
    public async Task Monitor_BesideACommandOfMegabytes_SeesItsBeginning()
    {
        MemoryTransport? monitor = null;
        RunOnLoop(() =>
        {
            KeyValueServer server = NewServer();
            monitor = new MemoryTransport(_loop, server.CreateSession());
            MemoryTransport client = new(_loop, server.CreateSession());
            monitor.Feed("MONITOR\r\n");
            // More lines in one turn than a monitor may leave unread: it had no chance to read them.
            client.Feed(string.Concat(Enumerable.Repeat(Encoding.Latin1.GetString(RawClient.Request("SET", "big", new string('\0', 1024 * 1024))), 10)));
        });
        RunOnLoop(() =>
        {
            string text = monitor!.TakeText();
            Assert.False(monitor.IsClosing);
            Assert.Equal(11, text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
            Assert.EndsWith("\\x00\" ...\r\n", text, StringComparison.Ordinal);
            Assert.InRange(text.Length, 10 * 64 * 1024, 10 * (256 * 1024 + 200));
        });
        await Task.CompletedTask;
    }

    [Fact]
    public void Batches_OfManyShapes_TakeTheirTime()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("KEYVALUE_TIMES") is not null, "measures, and proves nothing: set KEYVALUE_TIMES");
        RunOnLoop(() =>
        {
            foreach (string command in new[] { "PING", "GET key:000000001234", "SET key:000000001234 VXKeHogKgJ=[5V9_X^b?VXKeHogKgJ=[5V9_X^b?VXKeHogKgJ=[5V9_X^b?0123", "INCR number" })
            {
                MemoryTransport transport = new(_loop, NewServer().CreateSession());
                transport.Feed("SET key:000000001234 VXKeHogKgJ=[5V9_X^b?VXKeHogKgJ=[5V9_X^b?VXKeHogKgJ=[5V9_X^b?0123\r\n");
                ReadOnlySequence<byte> batch = new([.. Enumerable.Repeat(RawClient.Request(command.Split(' ')), 64).SelectMany(bytes => bytes)]);
                Repeat(transport, batch, 20_000);
                long start = Stopwatch.GetTimestamp();
                Repeat(transport, batch, 20_000);
                TestContext.Current.TestOutputHelper!.WriteLine($"{command.Split(' ')[0]}: {Stopwatch.GetElapsedTime(start).TotalNanoseconds / (20_000 * 64):F0} ns");
            }
        });
    }

    private static void Repeat(MemoryTransport transport, in ReadOnlySequence<byte> batch, int times)
    {
        for (int i = 0; i < times; i++)
        {
            transport.FeedAll(batch);
            transport.Discard();
        }
    }

    private KeyValueServer NewServer() => new(_loop, new KeyValueOptions(), NullLogger.Instance);

    private void RunOnLoop(Action action) => _loop.RunUntilComplete(() =>
    {
        action();
        return Task.CompletedTask;
    });

    /// <summary>Answers LATE when it is told to, and leaves the rest to another.</summary>
    private sealed class LateExecutor(ICommandExecutor others) : ICommandExecutor
    {
        public Dictionary<string, PendingReply> Pending { get; } = [];

        public void Execute(Session session, scoped in RespRequest request, ref RespWriter reply)
        {
            if (request[0].SequenceEqual("LATE"u8))
            {
                Pending.Add(Encoding.Latin1.GetString(request[1]), session.Defer(ref reply));
            }
            else
            {
                others.Execute(session, in request, ref reply);
            }
        }
    }
}
