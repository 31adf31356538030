namespace Architecture.Tests;

/// <summary>The files that people wrote: what is built or fetched is left out.</summary>
internal static class Repository
{
    private static readonly string[] _notWritten = ["bin", "obj", "artifacts", "TestResults", ".git", "node_modules"];

    /// <summary>The folder of ProtoServer.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Files below a folder, as paths relative to the root with forward slashes; none when the folder does not exist.</summary>
    public static IEnumerable<string> Files(string folder, string extension)
    {
        string start = Path.Combine(Root, folder);
        return Directory.Exists(start) ? Walk(start).Where(path => path.EndsWith(extension, StringComparison.Ordinal)).Order(StringComparer.Ordinal) : [];
    }

    public static bool Exists(string path) => File.Exists(Path.Combine(Root, path));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
        }

        foreach (string child in Directory.EnumerateDirectories(folder).Where(child => !_notWritten.Contains(Path.GetFileName(child))))
        {
            foreach (string file in Walk(child))
            {
                yield return file;
            }
        }
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ProtoServer.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Run the tests from a build inside the repository: ProtoServer.sln was not found above the test assembly.");
    }
}
