using System.Text;
using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.Content;

public sealed class KvDialogueTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10_000)]
    public void Replies_OfAGoodStore_AreGoodOrMisses(int step)
    {
        var driver = new DialogueDriver(Source(1, 1, 10).Open(0, 200));
        var store = new Store();
        byte[] replies = [.. driver.Ask(200).SelectMany(store.Reply)];

        driver.Receive(replies, step);

        Assert.Equal((0, 0, 0), (driver.Wrong, driver.Stray, driver.Outstanding));
        Assert.Equal(200, driver.Good + driver.Misses);
        Assert.InRange(driver.Misses, 1, 20);
    }

    [Fact]
    public void Value_OfAnotherKey_IsWrong()
    {
        var driver = new DialogueDriver(Source(1, 20, 10).Open(0, 200));
        var store = new Store { AnswersForOthers = true };

        driver.Receive([.. driver.Ask(200).SelectMany(store.Reply)], int.MaxValue);

        Assert.True(driver.Wrong > 50);
        Assert.Equal(0, driver.Outstanding);
    }

    [Fact]
    public void Value_WithAByteChanged_IsWrong()
    {
        var driver = new DialogueDriver(Source(0, 1, 1).Open(0, 1));
        var writer = new DialogueDriver(Source(1, 0, 1).Open(5, 1));
        var store = new Store();
        store.Reply(writer.Ask());
        byte[] reply = store.Reply(driver.Ask());
        reply[20] ^= 1;

        driver.Receive(reply);

        Assert.Equal(1, driver.Wrong);
    }

    [Fact]
    public void Reply_ThatIsAnError_IsCountedAsSuch()
    {
        var driver = new DialogueDriver(Source(1, 1, 10).Open(0, 2));
        driver.Ask(2);

        driver.Receive("-OOM command not allowed\r\n-LOADING\r\n"u8.ToArray());

        Assert.Equal((2, 0), (driver.Errors, driver.Wrong));
    }

    [Fact]
    public void Ratio_OverManyRequests_IsKept()
    {
        var driver = new DialogueDriver(Source(1, 9, 1000).Open(0, 1));

        int sets = driver.Ask(10_000).Count(request => request.AsSpan().StartsWith("*3"u8));

        Assert.InRange(sets, 900, 1100);
    }

    [Fact]
    public void Keys_Sequential_PassThroughAll()
    {
        Assert.True(KeyDistribution.TryParse("seq", 100, 4, out KeyDistribution? keys));

        HashSet<uint> seen = [];
        for (uint connection = 0; connection < 4; connection++)
        {
            for (uint sequence = 0; sequence < 25; sequence++)
            {
                seen.Add(keys!.Pick(1, connection, sequence));
            }
        }

        Assert.Equal(100, seen.Count);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1.0)]
    [InlineData(1.5)]
    public void Keys_Zipf_FollowTheirLaw(double exponent)
    {
        Assert.True(KeyDistribution.TryParse(FormattableString.Invariant($"zipf:{exponent}"), 1000, 1, out KeyDistribution? keys));
        const int Draws = 200_000;
        int[] counts = new int[1001];
        for (uint i = 0; i < Draws; i++)
        {
            counts[keys!.PickRank(Mixing.Mix(1, 2, i))]++;
        }

        double norm = Enumerable.Range(1, 1000).Sum(rank => Math.Pow(rank, -exponent));
        foreach (int rank in (int[])[1, 2, 3, 10])
        {
            double expected = Draws * Math.Pow(rank, -exponent) / norm;
            Assert.InRange(counts[rank], expected - (5 * Math.Sqrt(expected)), expected + (5 * Math.Sqrt(expected)));
        }
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(7u)]
    [InlineData(100u)]
    [InlineData(65536u)]
    public void Keys_Zipf_StayInRangeAndReachManyKeys(uint count)
    {
        Assert.True(KeyDistribution.TryParse("zipf", count, 1, out KeyDistribution? keys));

        HashSet<uint> seen = [.. Enumerable.Range(0, 20_000).Select(i => keys!.Pick(1, 0, (uint)i))];

        Assert.All(seen, key => Assert.True(key < count));
        Assert.True(seen.Count >= Math.Min(count, 100), $"{seen.Count} keys");
    }

    private static KvSource Source(int sets, int gets, uint keys)
    {
        Assert.True(KeyDistribution.TryParse("uniform", keys, 1, out KeyDistribution? distribution));
        return new KvSource(new SizeRange(16, 200), sets, gets, distribution!, "key:", verify: true, 1);
    }

    /// <summary>As much of a store as SET and GET need.</summary>
    private sealed class Store
    {
        private readonly Dictionary<string, string> _values = [];

        public bool AnswersForOthers { get; init; }

        public byte[] Reply(byte[] request)
        {
            string[] parts = Encoding.ASCII.GetString(request).Split("\r\n");
            if (parts[2] == "SET")
            {
                Assert.Equal(int.Parse(parts[5][1..]), parts[6].Length);
                _values[parts[4]] = parts[6];
                return "+OK\r\n"u8.ToArray();
            }
            Assert.Equal("GET", parts[2]);
            string? value = AnswersForOthers
                ? _values.Where(entry => entry.Key != parts[4]).Select(entry => entry.Value).FirstOrDefault()
                : _values.GetValueOrDefault(parts[4]);
            return Encoding.ASCII.GetBytes(value is null ? "$-1\r\n" : $"${value.Length}\r\n{value}\r\n");
        }
    }
}
