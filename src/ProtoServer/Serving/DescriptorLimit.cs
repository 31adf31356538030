namespace ProtoServer;

/// <summary>How many connections the process may hold, by its limit of open files.</summary>
internal static class DescriptorLimit
{
    // The runtime, its thread pool and the user's files need some too; a .NET process without descriptors cannot even start a thread, and dies of it.
    private const int Reserve = 256;

    /// <summary>The limit of open files less a reserve (half of it, where it is small); <see cref="int.MaxValue"/> where there is none.</summary>
    public static unsafe int ForConnections()
    {
        if (!OperatingSystem.IsLinux())
        {
            return int.MaxValue;
        }
        ulong* limits = stackalloc ulong[2];
        if (SocketNative.GetLimit(SocketNative.OpenFilesLimit, limits) != 0 || limits[0] > int.MaxValue)
        {
            return int.MaxValue;
        }
        int limit = (int)limits[0];
        return Math.Max(1, limit >= 2 * Reserve ? limit - Reserve : limit / 2);
    }
}
