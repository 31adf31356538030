namespace Benchmarks.Running;

/// <summary>Where things are in the repository that this program was built from.</summary>
internal static class SourceTree
{
    /// <summary>The folder of ProtoServer.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path below the root.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A source file in <c>tools/Benchmarks/peers</c>.</summary>
    public static string Peer(string source) => At("tools", "Benchmarks", "peers", source);

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ProtoServer.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Run the bench from a build inside the repository: ProtoServer.sln was not found above the program.");
    }
}
