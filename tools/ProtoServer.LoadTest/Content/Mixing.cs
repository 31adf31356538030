namespace ProtoServer.LoadTest.Content;

/// <summary>Random numbers that depend on their position only, so that the sender's choice can be made again when the reply comes.</summary>
internal static class Mixing
{
    /// <summary>64 well-mixed bits for a seed, a connection or key, and a sequence number (the finalizer of SplitMix64, public domain).</summary>
    public static ulong Mix(int seed, uint id, uint sequence)
    {
        ulong z = (((ulong)id << 32) | sequence) + ((ulong)(uint)seed * 0x9E3779B97F4A7C15UL) + 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to <paramref name="bound"/> - 1, for 32 well-mixed bits.</summary>
    public static uint Below(uint random, uint bound) => (uint)(((ulong)random * bound) >> 32);
}
