using System.Xml.Linq;

namespace Architecture.Tests;

/// <summary>What the compiler cannot see: who may reference whom, and that nobody but the tests reaches behind the public face.</summary>
public class ProjectTests
{
    private const int Samples = 2; // the one level whose projects may share code among themselves

    private static readonly string[] _backDoors = ["IgnoresAccessChecksTo", "UnsafeAccessor", "BindingFlags.NonPublic"];

    // Reads what the compiler and the runtime keep of a pending task, for the dump of tasks; there is no public way. Nothing of ours.
    private static readonly string[] _readers = ["src/ProtoServer/Tasks/AwaitChain.cs"];

    public static TheoryData<string> Projects => [.. Repository.Files("", ".csproj")];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_PointDownwards(string project)
    {
        IEnumerable<string> references = XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference")
            .Select(reference => Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(project)!, (string)reference.Attribute("Include")!))));
        Assert.All(references, reference => Assert.True(Level(reference) < Level(project) || (Level(reference) == Samples && Level(project) == Samples), $"{project} must not reference {reference}"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_Internals_AreVisibleToTestsOnly(string project)
    {
        IEnumerable<string> friends = XDocument.Parse(Repository.Read(project)).Descendants("InternalsVisibleTo").Select(friend => (string)friend.Attribute("Include")!);
        Assert.All(friends, friend => Assert.EndsWith(".Tests", friend, StringComparison.Ordinal));
    }

    [Fact]
    public void Sources_NoBackDoor_LeadsToInternals()
    {
        IEnumerable<string> users = Repository.Files("src", ".cs").Concat(Repository.Files("tools", ".cs"))
            .Where(path => _backDoors.Append("InternalsVisibleTo").Any(door => Repository.Read(path).Contains(door, StringComparison.Ordinal)))
            .Except(_readers);
        Findings.None(users);
    }

    // The library below its adapters, both below samples and tools, tests above all.
    private static int Level(string project) => project.Replace('\\', '/') switch
    {
        string path when path.StartsWith("src/ProtoServer/", StringComparison.Ordinal) => 0,
        string path when path.StartsWith("src/ProtoServer.", StringComparison.Ordinal) => 1,
        string path when path.StartsWith("src/ProtoServer*", StringComparison.Ordinal) => 1,
        string path when path.StartsWith("src/samples/", StringComparison.Ordinal) => Samples,
        string path when path.StartsWith("tools/", StringComparison.Ordinal) => 3,
        _ => 4,
    };
}
