namespace Benchmarks.Running;

/// <summary>What the clients do: so many connections, each with <paramref name="Depth"/> messages of <paramref name="SizeBytes"/> in flight; as fast as answers come, or <paramref name="Rate"/> messages a second in all.</summary>
internal sealed record Shape(string Name, string Title, int Connections, int SizeBytes, int Depth, int? Rate = null)
{
    public static IReadOnlyList<Shape> Echo { get; } =
    [
        new("64x1k", "64 connections x 1 KiB", 64, 1024, 1),
        new("pipelined", "64 connections, 16 x 32 B pipelined", 64, 32, 16),
        new("1000x64", "1000 connections x 64 B", 1000, 64, 1),
    ];
}
