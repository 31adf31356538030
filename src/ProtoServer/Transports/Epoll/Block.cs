using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>A piece of pinned memory and its place in a chain. Loop thread only; one owner at a time: the pool, a reader, a writer, or the loop's receive side.</summary>
internal sealed unsafe class Block : ReadOnlySequenceSegment<byte>
{
    public Block(int size)
    {
        // Pinned, so that a system call can take the address without a handle; never moved, and freed by the collector with the block.
        Array = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        Address = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Array));
        Memory = Array;
    }

    public byte[] Array { get; }

    public byte* Address { get; }

    public int Size => Array.Length;

    /// <summary>How many bytes are in use, from the block's beginning.</summary>
    public int End { get; set; }

    public int Free => Array.Length - End;

    public Block? NextBlock => Unsafe.As<Block?>(Next);

    /// <summary>Appends <paramref name="next"/>; this block is full as it is from now on.</summary>
    public void Link(Block next)
    {
        Memory = new ReadOnlyMemory<byte>(Array, 0, End);
        next.RunningIndex = RunningIndex + End;
        Next = next;
    }

    /// <summary>Copies as much of <paramref name="source"/> as fits; returns how much that was.</summary>
    public int Append(ReadOnlySpan<byte> source)
    {
        int count = Math.Min(Free, source.Length);
        source[..count].CopyTo(Array.AsSpan(End));
        End += count;
        return count;
    }

    /// <summary>As new, for the next owner.</summary>
    public void Reset()
    {
        Poison();
        Memory = Array;
        Next = null;
        RunningIndex = 0;
        End = 0;
    }

    /// <summary>In Debug builds: who kept a span beyond its callback sees it at once.</summary>
    [Conditional("DEBUG")]
    public void Poison() => Array.AsSpan(0, End).Fill(0xDD);
}
