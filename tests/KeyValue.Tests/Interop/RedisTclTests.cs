using System.Text.RegularExpressions;
using KeyValue.Tests.Support;

namespace KeyValue.Tests.Interop;

/// <summary>Redis's own tests, as Debian publishes their source: fetched when they are run, never kept here.</summary>
/// <remarks>What is left out is listed with its reason in redis-tcl.skip.</remarks>
public sealed partial class RedisTclTests
{
    private static readonly SemaphoreSlim Fetching = new(1);

    // Each unit empties all databases, so each has a server of its own.
    [Theory]
    [InlineData("unit/protocol", 20)]
    [InlineData("unit/type/string", 65)]
    [InlineData("unit/type/incr", 21)]
    [InlineData("unit/expire", 59)]
    public async Task Unit_AgainstOurs_Passes(string unit, int atLeast)
    {
        string tclsh = Tool.Require("tclsh", "tcl");
        Tool.Require("redis-cli", "redis-tools");
        string folder = await SourceAsync();
        string skipped = Path.Combine(Path.GetTempPath(), $"keyvalue-skip-{Guid.NewGuid():N}");
        await File.WriteAllLinesAsync(skipped, (await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "Interop", "redis-tcl.skip"))).Where(line => line.Length > 0 && line[0] != '#'));
        try
        {
            await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--enable-debug", "--max-value", "512mb");
            string[] arguments =
            [
                "tests/test_helper.tcl", "--host", "127.0.0.1", "--port", $"{server.Port}", "--single", unit, "--ignore-encoding", "--ignore-digest",
                "--skipfile", skipped, "--tags", "-needs:repl -cluster",
            ];
            (int code, string output) = await Tool.RunAsync(tclsh, arguments, TimeSpan.FromSeconds(240), folder: folder);
            output = Colours().Replace(output, "");
            int passed = output.Split('\n').Count(line => line.StartsWith("[ok]: ", StringComparison.Ordinal));
            Assert.True(code == 0 && passed >= atLeast && !output.Contains("[err]", StringComparison.Ordinal) && !output.Contains("[exception]", StringComparison.Ordinal), $"{passed} passed\n{output}");
        }
        finally
        {
            File.Delete(skipped);
        }
    }

    /// <summary>Debian's source package, with lists of its own: nothing of the machine's is changed.</summary>
    private static async Task<string> SourceAsync()
    {
        string root = Path.Combine(Path.GetTempPath(), "keyvalue-redis-source");
        string sources = "/etc/apt/sources.list.d/debian.sources";
        await Fetching.WaitAsync();
        try
        {
            string? found = Find(root);
            if (found is not null)
            {
                return found;
            }
            Assert.SkipUnless(File.Exists(sources), "Redis's tests come from Debian's source package, and this is no Debian with " + sources);
            string apt = Tool.Require("apt-get", "apt");
            string tar = Tool.Require("tar", "tar");
            Directory.CreateDirectory(Path.Combine(root, "lists", "partial"));
            await File.WriteAllTextAsync(Path.Combine(root, "source.sources"), Regex.Replace(await File.ReadAllTextAsync(sources), "^Types: .*$", "Types: deb-src", RegexOptions.Multiline));
            string[] options = ["-o", $"Dir::Etc::sourcelist={root}/source.sources", "-o", "Dir::Etc::sourceparts=-", "-o", $"Dir::State::lists={root}/lists", "-o", $"Dir::Cache={root}/cache"];
            await Tool.RunAsync(apt, [.. options, "update"], TimeSpan.FromSeconds(120));
            (int code, string output) = await Tool.RunAsync(apt, [.. options, "source", "--download-only", "redis"], TimeSpan.FromSeconds(120), folder: root);
            string? archive = Directory.GetFiles(root, "redis_*.orig.tar.gz").FirstOrDefault();
            Assert.SkipWhen(archive is null, $"apt-get could not fetch Redis's source (no network?): {code} {output}");
            await Tool.RunAsync(tar, ["xzf", archive!], TimeSpan.FromSeconds(60), folder: root);
            return Find(root)!;
        }
        finally
        {
            Fetching.Release();
        }
    }

    private static string? Find(string root) =>
        Directory.Exists(root) ? Directory.GetDirectories(root, "redis-*").FirstOrDefault(folder => File.Exists(Path.Combine(folder, "tests", "test_helper.tcl"))) : null;

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Colours();
}
