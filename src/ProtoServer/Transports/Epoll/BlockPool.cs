namespace ProtoServer;

/// <summary>The loop's free blocks, two sizes. Loop thread only. An idle connection holds none, so the pool is as large as the busiest moment needed, up to a bound.</summary>
internal sealed class BlockPool
{
    /// <summary>For the usual answer or leftover.</summary>
    public const int SmallBytes = 4 * 1024;

    /// <summary>For bulk; one receive fits.</summary>
    public const int LargeBytes = 64 * 1024;

    // 4 MiB of each size stay for the next burst; more goes to the garbage collector.
    private const int MaxSmall = 1024;
    private const int MaxLarge = 64;

    private readonly Stack<Block> _small = new();
    private readonly Stack<Block> _large = new();

    /// <summary>A block of at least <paramref name="minimumBytes"/>; above the large size it is made to measure and not kept.</summary>
    public Block Rent(int minimumBytes)
    {
        if (minimumBytes <= SmallBytes)
        {
            return _small.TryPop(out Block? small) ? small : new Block(SmallBytes);
        }
        if (minimumBytes <= LargeBytes)
        {
            return _large.TryPop(out Block? large) ? large : new Block(LargeBytes);
        }
        return new Block(minimumBytes);
    }

    public void Return(Block block)
    {
        block.Reset();
        if (block.Size == SmallBytes && _small.Count < MaxSmall)
        {
            _small.Push(block);
        }
        else if (block.Size == LargeBytes && _large.Count < MaxLarge)
        {
            _large.Push(block);
        }
    }
}
