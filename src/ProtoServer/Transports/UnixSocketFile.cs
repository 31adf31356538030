using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>The file that a unix socket is bound to: made room for before the bind, and removed at the end if it is still the same one. Any thread; Linux, but for <see cref="MakeRoom"/>.</summary>
/// <remarks>An abstract name (its first character is NUL, see unix(7)) has no file: all of this does nothing then.</remarks>
internal sealed unsafe partial class UnixSocketFile
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint BasicStats = 0x7ff;
    private const int TypeMask = 0xF000; // S_IFMT
    private const int SocketType = 0xC000; // S_IFSOCK

    private readonly string _path;
    private readonly (ulong Inode, uint Major, uint Minor) _identity;

    private UnixSocketFile(string path, (ulong Inode, uint Major, uint Minor) identity) => (_path, _identity) = (path, identity);

    /// <summary>The path of <paramref name="endPoint"/>; null for an abstract name.</summary>
    public static string? PathOf(UnixDomainSocketEndPoint endPoint)
    {
        // Its ToString shows an abstract name with an @ in front, which a path may have as well.
        SocketAddress address = endPoint.Serialize();
        return address.Size > 2 && address[2] != 0 ? endPoint.ToString() : null;
    }

    /// <summary>Removes a socket file that a dead server left behind. Anything else stays where it is, and the bind will say that the address is in use.</summary>
    /// <exception cref="SocketException">A server listens there.</exception>
    public static void MakeRoom(UnixDomainSocketEndPoint endPoint)
    {
        if (PathOf(endPoint) is not { } path || !IsSocket(path))
        {
            return;
        }
        using var probe = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(endPoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // Nobody holds it any more.
            File.Delete(path);
            return;
        }
        catch (SocketException)
        {
            // A full backlog, no permission: somebody is there, or it is not ours to judge.
        }
        throw new SocketException((int)SocketError.AddressAlreadyInUse, $"Cannot listen on {path}: another server listens there. Stop it, or choose another path.");
    }

    /// <summary>Remembers the file that was just bound, and sets its mode; null for an abstract name.</summary>
    public static UnixSocketFile? Bound(UnixDomainSocketEndPoint endPoint, UnixFileMode? mode)
    {
        if (PathOf(endPoint) is not { } path)
        {
            return null;
        }
        if (mode is { } wanted && !OperatingSystem.IsWindows())
        {
            // Nobody can have connected before: it does not listen yet.
            File.SetUnixFileMode(path, wanted);
        }
        // Absolute: the current directory may be another one at the end.
        return TryStat(path, out int _, out var identity) ? new UnixSocketFile(Path.GetFullPath(path), identity) : null;
    }

    /// <summary>Removes the file, if it is still the one that was bound: a successor's stays, one that is gone already is no error.</summary>
    public void Remove()
    {
        if (TryStat(_path, out int mode, out var identity) && (mode & TypeMask) == SocketType && identity == _identity)
        {
            try
            {
                File.Delete(_path);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The next server on this path finds it stale.
            }
        }
    }

    private static bool IsSocket(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            return TryStat(path, out int mode, out _) && (mode & TypeMask) == SocketType;
        }
        // Where stat's layout differs from system to system: what is neither a regular file nor a directory.
        return File.Exists(path) && (File.GetAttributes(path) & (FileAttributes.Normal | FileAttributes.Directory)) == 0;
    }

    private static bool TryStat(string path, out int mode, out (ulong Inode, uint Major, uint Minor) identity)
    {
        // struct statx has the same layout on every architecture, which struct stat has not; see statx(2).
        byte* stat = stackalloc byte[256];
        if (!OperatingSystem.IsLinux() || Statx(CurrentDirectory, path, NoFollow, BasicStats, stat) != 0)
        {
            mode = 0;
            identity = default;
            return false;
        }
        mode = *(ushort*)(stat + 28);
        identity = (*(ulong*)(stat + 32), *(uint*)(stat + 136), *(uint*)(stat + 140));
        return true;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int directory, string path, int flags, uint mask, void* result);
}
