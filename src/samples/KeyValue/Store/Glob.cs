namespace KeyValue.Store;

/// <summary>Patterns for keys: <c>* ? [a-z] [^a] \x</c>.</summary>
internal static class Glob
{
    /// <summary>Whether all of <paramref name="text"/> matches.</summary>
    /// <remarks>
    /// No recursion: a star remembers where it stands and the last one is tried again one octet further, which is enough because an earlier star
    /// can only take more of what the last one could take as well. So the time is at most pattern times text, never exponential.
    /// </remarks>
    public static bool IsMatch(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, bool ignoreCase = false)
    {
        int p = 0;
        int t = 0;
        int star = -1;
        int resume = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = ++p;
                resume = t;
                continue;
            }
            int next = p;
            if (p < pattern.Length && MatchOne(pattern, ref next, text[t], ignoreCase))
            {
                p = next;
                t++;
            }
            else if (star >= 0)
            {
                p = star;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }
        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }
        return p == pattern.Length;
    }

    private static bool MatchOne(ReadOnlySpan<byte> pattern, ref int p, byte b, bool ignoreCase)
    {
        byte c = pattern[p++];
        switch (c)
        {
            case (byte)'?':
                return true;
            case (byte)'[':
                return MatchClass(pattern, ref p, b, ignoreCase);
            case (byte)'\\' when p < pattern.Length:
                c = pattern[p++];
                break;
        }
        return Fold(c, ignoreCase) == Fold(b, ignoreCase);
    }

    private static bool MatchClass(ReadOnlySpan<byte> pattern, ref int p, byte b, bool ignoreCase)
    {
        bool negated = p < pattern.Length && pattern[p] == '^';
        p += negated ? 1 : 0;
        bool matched = false;
        byte octet = Fold(b, ignoreCase);
        // A class that is not closed ends with the pattern, as in Redis.
        while (p < pattern.Length && pattern[p] != ']')
        {
            if (pattern[p] == '\\' && p + 1 < pattern.Length)
            {
                p++;
                matched |= Fold(pattern[p], ignoreCase) == octet;
            }
            else if (p + 2 < pattern.Length && pattern[p + 1] == '-')
            {
                byte low = Fold(pattern[p], ignoreCase);
                byte high = Fold(pattern[p + 2], ignoreCase);
                (low, high) = low <= high ? (low, high) : (high, low);
                matched |= octet >= low && octet <= high;
                p += 2;
            }
            else
            {
                matched |= Fold(pattern[p], ignoreCase) == octet;
            }
            p++;
        }
        p += p < pattern.Length ? 1 : 0;
        return matched != negated;
    }

    private static byte Fold(byte b, bool ignoreCase) => ignoreCase && b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}
