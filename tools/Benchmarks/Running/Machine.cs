using System.Globalization;
using System.Runtime.InteropServices;

namespace Benchmarks.Running;

/// <summary>What a number is worth nothing without.</summary>
internal static class Machine
{
    /// <summary>Command, date, commit, hardware and versions, as a Markdown list.</summary>
    public static string Describe(SuiteOptions options)
    {
        string cpu = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown";
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        long memoryGiB = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30;
        return $"""
            - command: `{options.Command}`
            - date: {DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC, commit {Commit()}
            - machine: {cpu}, {Environment.ProcessorCount} cores, {memoryGiB} GiB; {(options.Pin ? "server pinned to core 0, client to core 1" : "nothing pinned")}
            - system: Linux {kernel}; {RuntimeInformation.FrameworkDescription} (workstation GC, tiered PGO); {NativeBuild.CompilerVersion()} -O2
            """;
    }

    private static string Commit()
    {
        try
        {
            string commit = Tool.Output("git", "rev-parse", "--short", "HEAD");
            return Tool.Output("git", "status", "--porcelain", "--untracked-files=no").Length == 0 ? commit : commit + " with local changes";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
