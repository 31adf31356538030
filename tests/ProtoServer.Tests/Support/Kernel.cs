using System.Runtime.InteropServices;

namespace ProtoServer.Tests;

/// <summary>What the kernel knows about this process, on Linux.</summary>
internal static partial class Kernel
{
    public static bool IsLinux => OperatingSystem.IsLinux();

    /// <summary>Open sockets of this process.</summary>
    public static int OpenSockets() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(static entry => LinkTarget(entry).StartsWith("socket:", StringComparison.Ordinal));

    public static int OpenDescriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();

    /// <summary>Resident memory of this process.</summary>
    public static long ResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    public static partial int Duplicate(int fd);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int fd);

    // A descriptor may be gone between the listing and the look.
    private static string LinkTarget(string entry)
    {
        try
        {
            return new FileInfo(entry).LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
