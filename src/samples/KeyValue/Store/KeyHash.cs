using System.Runtime.InteropServices;

namespace KeyValue.Store;

/// <summary>A hash that a client cannot predict, so that no choice of keys makes the table slow.</summary>
internal static class KeyHash
{
    /// <summary>Hashes <paramref name="key"/> with a secret that the process drew at its start.</summary>
    public static uint Of(ReadOnlySpan<byte> key)
    {
        // The runtime's own defence for strings (Marvin, seeded at random), over the bytes two at a time.
        uint hash = (uint)string.GetHashCode(MemoryMarshal.Cast<byte, char>(key));
        return (key.Length & 1) == 0 ? hash : (uint)HashCode.Combine(hash, key[^1]);
    }
}
