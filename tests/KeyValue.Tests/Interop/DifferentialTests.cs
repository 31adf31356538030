using System.Globalization;
using System.Text;
using KeyValue.Tests.Support;
using Resp;

namespace KeyValue.Tests.Interop;

/// <summary>The same bytes, cut at random, to Redis and to ours: the replies must be the same, octet for octet.</summary>
/// <remarks>
/// Ten seconds, or KEYVALUE_FUZZ_SECONDS; the seed is KEYVALUE_FUZZ_SEED or taken from the clock, and told on failure. Left out is what cannot be equal: times, numbers of
/// clients, the order of keys, and the places where the document says that ours differs.
/// </remarks>
public class DifferentialTests
{
    private static readonly string[] Keys = ["a", "b", "c", "key:1", "", "\0\r\n\xff"];
    private static readonly string[] Values =
    [
        "", "0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "3.0", "1.5", "-2.25", "5e3", "inf", "nan", "+1", "01", " 1", "1 ", "abc",
        "x\0y", "\r\n", "\xff\xfe", "hello world", new('x', 44), new('x', 45), new('y', 3000), "$4", "*1", "-0",
    ];

    // Exact in binary: where they are not, Redis shows the rounding of its 80 bits and ours does not.
    private static readonly string[] Fractions = ["0", "1", "-1", "1.5", "-2.25", "5e3", "0.5", "3.0", "-0", "+1", "12.5"];

    private static readonly string[] Numbers = ["0", "1", "-1", "2", "5", "100", "-100", "9223372036854775807", "-9223372036854775808", "nope", "1.5", "", "+3", "007", "15", "16"];

    // K a key, V a value, N a number, F a fraction, W one of the words, * zero to three of what comes before.
    private static readonly string[] Shapes =
    [
        "GET K", "SET K V", "SET K V W*", "SET K V W N", "SET K V W N W", "SET K V EX 100", "SETNX K V", "SETEX K 100 V", "SETEX K N V", "PSETEX K 100000 V", "GETSET K V", "GETDEL K", "GETEX K",
        "GETEX K W N", "GETEX K EX 1000", "GETEX K PERSIST", "MGET K*", "MGET K K K", "MSET K V", "MSET K V K V", "MSET K V K", "MSETNX K V K V", "APPEND K V", "STRLEN K", "GETRANGE K N N", "SUBSTR K N N",
        "SETRANGE K 3 V", "SETRANGE K N V", "INCR K", "DECR K", "INCRBY K N", "DECRBY K N", "INCRBYFLOAT f F", "INCRBYFLOAT f nope", "SETBIT K 7 1", "SETBIT K 100 0", "SETBIT K N N", "GETBIT K N", "GETBIT K 7",
        "DEL K", "DEL K K*", "UNLINK K", "EXISTS K K K", "TOUCH K K", "TYPE K", "RENAME K K", "RENAMENX K K", "COPY K K", "COPY K K REPLACE", "COPY K K DB N", "COPY K K W", "MOVE K N", "SWAPDB N N", "SWAPDB 0 1",
        "OBJECT REFCOUNT nosuchkey", "OBJECT ENCODING nosuchkey", "OBJECT NOPE K", "FLUSHDB", "FLUSHDB W", "FLUSHALL", "SELECT N", "SELECT 0", "SELECT 1",
        "EXPIRE K 1000", "EXPIRE K N W", "EXPIRE K 2000 W", "EXPIRE K -5", "PEXPIRE K 100000", "PEXPIRE K N W", "EXPIREAT K 33177117420", "EXPIREAT K N", "PEXPIREAT K 33177117420000 W", "TTL K", "PTTL nosuchkey", "PERSIST K",
        "EXPIRETIME nosuchkey", "PING", "PING V", "PING V V", "ECHO V", "ECHO", "CLIENT GETNAME", "CLIENT SETNAME V", "CLIENT SETNAME conn", "CLIENT NOPE", "CLIENT", "CONFIG NOPE", "NOPE K V", "V K V", "WAIT 0 0", "SCAN nope",
        "SCAN 0 COUNT 0", "SCAN 0 NOPE", "AUTH V", "AUTH default V", "AUTH V V", "RESET", "HELLO nope", "HELLO 4", "HELLO 2 NOPE", "GET", "SET K", "DEL", "EXPIRE K", "KEYS nosuch*", "RANDOMKEY V", "COMMAND COUNT V", "CONFIG GET nosuch",
        "CONFIG SET nosuch V", "OBJECT FREQ nosuchkey", "CLIENT REPLY V", "CLIENT KILL 1.2.3.4:5", "CLIENT NO-EVICT V", "CLUSTER INFO",
    ];

    private static readonly string[] Words = ["NX", "XX", "GET", "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "GT", "LT", "REPLACE", "DB", "ASYNC", "SYNC", "nope", "ex", "Nx"];

    private static readonly string[] Broken =
    [
        "*abc\r\n", "*-3\r\n", "*0\r\n", "*3\r\n$3\r\nSET\r\n$-1\r\n", "*1\r\n:3\r\n", "*1\r\n$x\r\n", "*3000000000\r\n", "*1\r\n$600000000\r\n", "set \"a b\r\n", "set 'a\r\n", "get \"a\"b\r\n", "\r\n", "  \r\n", "\n", "*01\r\n", "*+1\r\n", "*\r\n",
        "*1\r\n$+4\r\nPING\r\n", "*1\r\n$04\r\nPING\r\n", "$4\r\nPING\r\n", "set a \"\\x41\\n\\q\\xzz\"\r\n", "set a 'it\\'s'\r\n", "get a\n", "PING\r\r\n", "\tget\t a \t\r\n", "get\va\r\n", "\vget a\r\n", "get \"a\"\r\n", "get \"a\" \r\n", "*1\r\nPING\r\n",
        "*-0\r\n", "*9999999999999999999999\r\n", "*-1\r\n",
    ];

    [Fact]
    public async Task Replies_SameBytesCutAtRandom_AreRedisOwn()
    {
        await using ServerProcess redis = await ServerProcess.StartRedisAsync();
        await using ServerProcess ours = await ServerProcess.StartKeyValueAsync("--max-value", "512mb");
        int seconds = int.Parse(Environment.GetEnvironmentVariable("KEYVALUE_FUZZ_SECONDS") ?? "10", CultureInfo.InvariantCulture);
        int seed = int.Parse(Environment.GetEnvironmentVariable("KEYVALUE_FUZZ_SEED") ?? $"{Environment.TickCount & 0xFFFFFF}", CultureInfo.InvariantCulture);
        DateTime end = DateTime.UtcNow.AddSeconds(seconds);
        int rounds = 0;
        for (; DateTime.UtcNow < end; seed++, rounds++)
        {
            List<byte[]> requests = Generate(new Random(seed));
            string expected = await ExchangeAsync(redis.Port, requests, seed);
            string actual = await ExchangeAsync(ours.Port, requests, seed + 1);
            if (expected != actual)
            {
                int at = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
                int answered = CountReplies(Encoding.Latin1.GetBytes(expected[..at]));
                IEnumerable<string> around = requests.Skip(answered - 3).Take(6).Select(bytes => Escape(Encoding.Latin1.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 200)))));
                Assert.Fail($"Seed {seed}, after {rounds} rounds. At {at}:\n redis: {Show(expected, at)}\n ours:  {Show(actual, at)}\n requests:\n{string.Join('\n', around)}");
            }
        }
        Assert.True(rounds > 0);
        TestContext.Current.SendDiagnosticMessage($"{rounds} rounds");
    }

    private static List<byte[]> Generate(Random random)
    {
        List<byte[]> requests = [RawClient.Request("FLUSHALL")];
        int count = random.Next(5, 60);
        bool version3 = random.Next(4) == 0;
        for (int i = 0; i < count; i++)
        {
            string[] arguments = Fill(random, Shapes[random.Next(Shapes.Length)]);
            if (random.Next(6) == 0 && arguments.All(argument => argument.Length is > 0 and < 60000))
            {
                requests.Add(Encoding.Latin1.GetBytes(Inline(random, arguments) + (random.Next(2) == 0 ? "\r\n" : "\n")));
            }
            else
            {
                requests.Add(RawClient.Request(arguments));
            }
        }
        if (random.Next(3) == 0)
        {
            requests.Insert(random.Next(1, requests.Count), Encoding.Latin1.GetBytes(Broken[random.Next(Broken.Length)]));
        }
        if (version3)
        {
            requests.Insert(0, RawClient.Request("HELLO", "3"));
        }
        requests.Add(RawClient.Request("ECHO", "the end"));
        requests.Add(RawClient.Request("QUIT"));
        return requests;
    }

    private static string[] Fill(Random random, string shape)
    {
        List<string> arguments = [];
        foreach (string part in shape.Split(' '))
        {
            int times = part.EndsWith('*') && part.Length == 2 ? random.Next(4) : 1;
            for (int i = 0; i < times; i++)
            {
                arguments.Add(part[0] switch
                {
                    'K' when part.Length <= 2 => Keys[random.Next(Keys.Length)],
                    'V' when part.Length <= 2 => Values[random.Next(Values.Length)],
                    'F' when part.Length == 1 => Fractions[random.Next(Fractions.Length)],
                    'N' when part.Length <= 2 => Numbers[random.Next(Numbers.Length)],
                    'W' when part.Length <= 2 => Words[random.Next(Words.Length)],
                    _ => random.Next(3) == 0 ? part.ToLowerInvariant() : part,
                });
            }
        }
        return [.. arguments];
    }

    private static string Inline(Random random, string[] arguments) => string.Join(random.Next(2) == 0 ? " " : "  ", arguments.Select(argument =>
        argument.All(c => c is > ' ' and < '\x7f' and not ('"' or '\'' or '*')) && random.Next(2) == 0
            ? argument
            : "\"" + string.Concat(argument.Select(c => c is >= ' ' and < '\x7f' and not ('"' or '\\') ? $"{c}" : $"\\x{(int)c:x2}")) + "\""));

    private static async Task<string> ExchangeAsync(int port, List<byte[]> requests, int seed)
    {
        Random random = new(seed);
        byte[] bytes = [.. requests.SelectMany(request => request)];
        using RawClient client = await RawClient.ConnectAsync(port);
        try
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                int length = Math.Min(random.Next(4) == 0 ? random.Next(1, 10) : random.Next(1, 4000), bytes.Length - sent);
                await client.SendAsync(bytes.AsMemory(sent, length));
                sent += length;
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Closed after a protocol error: what it said is still to be read.
        }
        // A HELLO's reply holds the client's number and the program's name.
        string text = await ReadAllAsync(client);
        return requests[0].AsSpan().IndexOf("HELLO"u8) >= 0 && text.IndexOf("+OK", StringComparison.Ordinal) is int start and >= 0 ? text[start..] : text;
    }

    private static async Task<string> ReadAllAsync(RawClient client)
    {
        StringBuilder text = new();
        try
        {
            while (true)
            {
                text.Append(await client.ReadReplyAsync());
            }
        }
        catch (EndOfStreamException)
        {
        }
        catch (System.Net.Sockets.SocketException)
        {
        }
        return text.ToString();
    }

    private static int CountReplies(ReadOnlySpan<byte> bytes)
    {
        RespReplyReader reader = new();
        int count = 0;
        for (; reader.TryRead(bytes, out RespReply reply); count++)
        {
            bytes = bytes[reply.Bytes.Length..];
        }
        return count;
    }

    private static string Show(string text, int at) => Escape(text[Math.Max(0, at - 30)..Math.Min(text.Length, at + 120)]);

    private static string Escape(string text) => string.Concat(text.Select(c => c is >= ' ' and < '\x7f' ? $"{c}" : c == '\r' ? "\\r" : c == '\n' ? "\\n" : $"\\x{(int)c:x2}"));
}
