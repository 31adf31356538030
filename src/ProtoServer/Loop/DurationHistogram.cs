using System.Numerics;

namespace ProtoServer;

/// <summary>How often something took how long, in buckets that are each at most a quarter wider than the last. Recorded by one thread, read by any.</summary>
public sealed class DurationHistogram
{
    // Four buckets for each power of two of 100 ns: the error of a quantile stays below 25 %, and recording is two shifts and an increment.
    private const int BucketsPerOctave = 4;

    private readonly long[] _buckets = new long[62 * BucketsPerOctave];
    private long _total;
    private long _max;

    /// <summary>How many were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>All of them together.</summary>
    public TimeSpan Total => new(Volatile.Read(ref _total));

    /// <summary>The longest.</summary>
    public TimeSpan Max => new(Volatile.Read(ref _max));

    /// <summary>The time that the given part of them did not exceed, within 25 %, and never above <see cref="Max"/>.</summary>
    /// <param name="quantile">0 to 1: 0.5 is the median.</param>
    /// <returns>Zero when nothing was recorded.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 1.</exception>
    public TimeSpan Quantile(double quantile)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quantile, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quantile, 1);
        long wanted = (long)Math.Ceiling(quantile * Count);
        long seen = 0;
        for (int bucket = 0; bucket < _buckets.Length; bucket++)
        {
            seen += Volatile.Read(ref _buckets[bucket]);
            if (seen >= wanted && seen > 0)
            {
                return new TimeSpan(Math.Min(UpperBound(bucket), Volatile.Read(ref _max)));
            }
        }
        return Max;
    }

    internal void Record(long ticks)
    {
        ticks = Math.Max(0, ticks);
        _buckets[BucketOf(ticks)]++;
        Count++;
        _total += ticks;
        if (ticks > _max)
        {
            _max = ticks;
        }
    }

    private static int BucketOf(long ticks)
    {
        if (ticks < BucketsPerOctave)
        {
            return (int)ticks;
        }
        int octave = BitOperations.Log2((ulong)ticks);
        return ((octave - 1) * BucketsPerOctave) + (int)((ticks >> (octave - 2)) & (BucketsPerOctave - 1));
    }

    private static long UpperBound(int bucket)
    {
        if (bucket < BucketsPerOctave)
        {
            return bucket;
        }
        int octave = (bucket / BucketsPerOctave) + 1;
        long part = (bucket % BucketsPerOctave) + BucketsPerOctave + 1;
        return (part << (octave - 2)) - 1;
    }
}
