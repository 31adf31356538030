using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>The socket calls of the epoll transport, and their constants on Linux. Errno is read at once: by <c>Marshal.GetLastSystemError</c> after the frequent calls, which therefore need no marshalling stub, by <c>GetLastPInvokeError</c> after the others.</summary>
internal static unsafe partial class SocketNative
{
    public const int Unix = 1; // AF_UNIX
    public const int InterNetwork = 2; // AF_INET
    public const int InterNetworkV6 = 10; // AF_INET6
    public const int Stream = 1;
    public const int NonBlocking = 0x800; // SOCK_NONBLOCK
    public const int CloseOnExec = 0x80000; // SOCK_CLOEXEC

    public const int SolSocket = 1;
    public const int ReuseAddress = 2;
    public const int SocketType = 3;
    public const int SocketError = 4;
    public const int SendBuffer = 7;
    public const int ReceiveBuffer = 8;
    public const int KeepAlive = 9;
    public const int Linger = 13;
    public const int ReusePort = 15;
    public const int AcceptsConnections = 30; // SO_ACCEPTCONN
    public const int Tcp = 6; // IPPROTO_TCP
    public const int NoDelay = 1;
    public const int IPv6 = 41; // IPPROTO_IPV6
    public const int IPv6Only = 26;

    public const int NoSignal = 0x4000; // MSG_NOSIGNAL: a peer that is gone answers with EPIPE, not with SIGPIPE
    public const int Truncate = 0x20; // MSG_TRUNC: on TCP, discard without copying
    public const int ShutdownWrite = 1;
    public const int OpenFilesLimit = 7; // RLIMIT_NOFILE

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int fd, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int fd, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "accept4")]
    public static partial int Accept(int fd, void* address, uint* length, int flags);

    [LibraryImport("libc", EntryPoint = "recv")]
    public static partial nint Receive(int fd, void* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send")]
    public static partial nint Send(int fd, void* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    public static partial nint SendMessage(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(int fd, int how);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetSocketName(int fd, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "getpeername", SetLastError = true)]
    public static partial int GetPeerName(int fd, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(int fd, int level, int option, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetOption(int fd, int level, int option, void* value, uint* length);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, ulong* softAndHard);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int FileControl(int fd, int command, nint argument);

    [StructLayout(LayoutKind.Sequential)]
    public struct Vector
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LingerOption
    {
        public int OnOff;
        public int Seconds;
    }

    public static bool TrySetOption(int fd, int level, int option, int value) => SetOption(fd, level, option, &value, sizeof(int)) == 0;

    public static int GetOption(int fd, int level, int option)
    {
        int value = 0;
        uint length = sizeof(int);
        return GetOption(fd, level, option, &value, &length) == 0 ? value : -1;
    }
}
