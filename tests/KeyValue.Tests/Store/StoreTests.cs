using System.Runtime.CompilerServices;
using System.Text;
using KeyValue.Store;

namespace KeyValue.Tests.Store;

public class StoreTests
{
    private readonly SetClock _time = new();

    [Fact]
    public void Scan_WhileTheTableGrowsAndShrinks_SeesEveryKeyThatStays()
    {
        Database database = new KeySpace(_time)[0];
        Random random = new(1);
        for (int round = 0; round < 5; round++)
        {
            string[] staying = [.. Enumerable.Range(0, 500).Select(i => $"stay:{i}")];
            Array.ForEach(staying, key => Set(database, key, "v"));
            HashSet<string> seen = [];
            ulong cursor = 0;
            do
            {
                List<byte[]> keys = [];
                cursor = database.Scan(cursor, random.Next(1, 50), keys);
                seen.UnionWith(keys.Select(Encoding.Latin1.GetString));
                // Now a flood of other keys, now their removal.
                int count = random.Next(300);
                bool adds = random.Next(2) == 0;
                for (int i = 0; i < count; i++)
                {
                    if (adds)
                    {
                        Set(database, $"other:{random.Next(20_000)}", "v");
                    }
                    else
                    {
                        database.Remove(Bytes($"other:{random.Next(20_000)}"));
                    }
                }
            }
            while (cursor != 0);
            Assert.Superset(staying.ToHashSet(), seen);
            database.Clear();
        }
    }

    [Fact]
    public void Memory_AfterAnyChanges_IsTheSumOfWhatIsThere()
    {
        KeySpace space = new(_time);
        Random random = new(2);
        for (int i = 0; i < 20_000; i++)
        {
            Database database = space[random.Next(3)];
            byte[] key = Bytes($"k{random.Next(300)}");
            switch (random.Next(4))
            {
                case 0:
                    database.Remove(key);
                    break;
                case 1:
                    Set(database, Encoding.Latin1.GetString(key), new string('x', random.Next(100)));
                    break;
                case 2:
                    Set(database, Encoding.Latin1.GetString(key), $"{random.Next()}");
                    break;
                default:
                    ref Entry entry = ref database.Edit(key, out _);
                    entry.Edit(random.Next(200));
                    database.Commit(ref entry);
                    break;
            }
        }
        long sum = 0;
        for (int number = 0; number < 3; number++)
        {
            List<byte[]> keys = [];
            space[number].Scan(0, int.MaxValue, keys);
            keys.ForEach(key => sum += space[number].Peek(key).MemoryBytes);
        }
        Assert.Equal(sum, space.MemoryBytes);
        space[0].Clear();
        space[1].Clear();
        space[2].Clear();
        Assert.Equal(0, space.MemoryBytes);
    }

    [Fact]
    public void Span_WhenTheWallClockIsSet_StaysAndADateMoves()
    {
        KeySpace space = new(_time);
        Database database = space[0];
        Set(database, "span", "v", space.Clock.Steady + 10_000, followsWallClock: false);
        Set(database, "date", "v", space.Clock.Wall + 10_000, followsWallClock: true);

        _time.Wall += TimeSpan.FromHours(1);
        space.Clock.Refresh();
        Assert.True(IsThere(database, "span"));
        Assert.False(IsThere(database, "date"));

        _time.Run(TimeSpan.FromSeconds(10.1));
        space.Clock.Refresh();
        Assert.False(IsThere(database, "span"));
    }

    [Fact]
    public void Deadlines_ThatPass_RemoveKeysNobodyLooksAt()
    {
        KeySpace space = new(_time);
        for (int i = 0; i < 2500; i++)
        {
            Set(space[i % 2], $"short:{i}", "v", space.Clock.Steady + 1000, followsWallClock: i % 3 == 0);
        }
        Set(space[0], "long", "v", space.Clock.Steady + 60_000, followsWallClock: false);
        // Set anew without a deadline: the old one must not take it.
        Set(space[0], "short:0", "v");

        _time.Run(TimeSpan.FromSeconds(2));
        space.Clock.Refresh();
        int rounds = 1;
        while (space.RemoveExpired(1000))
        {
            rounds++;
        }

        Assert.InRange(rounds, 2, 4);
        Assert.Equal(2, space[0].Count + space[1].Count);
        Assert.Equal(2499, space.ExpiredCount);
        Assert.True(IsThere(space[0], "short:0"));
    }

    [Fact]
    public void Deadline_SetAgainAndAgainToTheSameDate_TakesNoMoreMemory()
    {
        ExpiryQueue queue = new();
        byte[] key = Bytes("counter");
        for (int i = 0; i < 100_000; i++)
        {
            queue.Add(key, 33_177_117_420_000, live: 1, (_, _) => true);
        }
        Assert.InRange(queue.Count, 1, 1025);
        Assert.True(queue.TryTake(long.MaxValue, out byte[] taken, out _));
        Assert.Same(key, taken);
    }

    [Fact]
    public void Eviction_UnderLru_KeepsWhatIsUsed()
    {
        KeySpace space = new(_time) { Policy = EvictionPolicy.AllKeysLru };
        for (int i = 0; i < 1000; i++)
        {
            Set(space[0], $"key:{i}", new string('x', 100));
        }
        _time.Run(TimeSpan.FromMinutes(1));
        space.Clock.Refresh();
        for (int i = 0; i < 200; i++)
        {
            space[0].Find(Bytes($"key:{i}"));
        }
        space.MaxMemoryBytes = space.MemoryBytes / 2;
        Assert.True(space.TryMakeRoom());

        Assert.InRange(space[0].Count, 400, 500);
        int used = Enumerable.Range(0, 200).Count(i => IsThere(space[0], $"key:{i}"));
        // Five samples at a time: those that were used go only when all five were.
        Assert.InRange(used, 190, 200);
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "aXXbYYc", true)]
    [InlineData("a*b*c", "aXXbYY", false)]
    [InlineData("h?llo", "hello", true)]
    [InlineData("h[ae]llo", "hallo", true)]
    [InlineData("h[^e]llo", "hello", false)]
    [InlineData("h[a-c]llo", "hbllo", true)]
    [InlineData("h[c-a]llo", "hbllo", true)]
    [InlineData("h\\*llo", "h*llo", true)]
    [InlineData("h\\*llo", "hello", false)]
    [InlineData("[abc", "b", true)]
    [InlineData("[\\]]", "]", true)]
    [InlineData("**?", "", false)]
    [InlineData("", "a", false)]
    public void Glob_OfAPattern_MatchesAsItIsTold(string pattern, string text, bool matches) => Assert.Equal(matches, Glob.IsMatch(Bytes(pattern), Bytes(text)));

    [Fact]
    public void Glob_OfManyStars_EndsSoon()
    {
        byte[] pattern = Bytes(string.Concat(Enumerable.Repeat("a*", 50)) + "b");
        byte[] text = Bytes(new string('a', 5000));
        // Pattern times text is half a million steps; with recursion it would be more than the age of the universe.
        Assert.False(Glob.IsMatch(pattern, text));
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("-1", true)]
    [InlineData("9223372036854775807", true)]
    [InlineData("-9223372036854775808", true)]
    [InlineData("9223372036854775808", false)]
    [InlineData("-0", false)]
    [InlineData("01", false)]
    [InlineData("+1", false)]
    [InlineData(" 1", false)]
    [InlineData("1 ", false)]
    [InlineData("-", false)]
    [InlineData("", false)]
    public void Integer_OfOneSpelling_Parses(string text, bool parses) => Assert.Equal(parses, Integers.TryParse(Bytes(text), out _));

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static bool IsThere(Database database, string key) => !Unsafe.IsNullRef(ref database.Peek(Bytes(key)));

    private static void Set(Database database, string key, string value, long deadline = 0, bool followsWallClock = false)
    {
        ref Entry entry = ref database.Edit(Bytes(key), out _);
        entry.SetValue(Bytes(value));
        database.SetDeadline(ref entry, deadline, followsWallClock);
        database.Commit(ref entry);
    }

    /// <summary>A clock that is set by hand: the wall and the time that runs, each by itself.</summary>
    private sealed class SetClock : TimeProvider
    {
        private long _timestamp = 1000;

        public DateTimeOffset Wall { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public void Run(TimeSpan time)
        {
            _timestamp += time.Ticks;
            Wall += time;
        }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _timestamp;

        public override DateTimeOffset GetUtcNow() => Wall;
    }
}
