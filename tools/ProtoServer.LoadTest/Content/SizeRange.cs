using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Content;

/// <summary>A message size in bytes, or a range from which each message's is drawn evenly: <c>64</c>, <c>16..4096</c>.</summary>
internal readonly record struct SizeRange(int Min, int Max)
{
    public bool IsFixed => Min == Max;

    public static bool TryParse(string text, out SizeRange range)
    {
        range = default;
        int dots = text.IndexOf("..", StringComparison.Ordinal);
        bool good = Quantity.TryParseSize(dots < 0 ? text : text[..dots], out int min);
        int max = min;
        if (dots >= 0)
        {
            good &= Quantity.TryParseSize(text[(dots + 2)..], out max);
        }
        range = new SizeRange(min, max);
        return good && min <= max;
    }

    /// <summary>The size for a random number that is spread over all 32 bits.</summary>
    public int Pick(uint random) => IsFixed ? Min : Min + (int)(((ulong)random * (ulong)(Max - Min + 1)) >> 32);

    public override string ToString() => IsFixed ? $"{Min} B" : $"{Min}..{Max} B";
}
