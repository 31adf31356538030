using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>Makes the descriptor of a <see cref="Socket"/> ours. Any thread.</summary>
internal static class SocketTakeover
{
    private const int DuplicateCloseOnExec = 1030; // F_DUPFD_CLOEXEC

    /// <summary>Gives <paramref name="use"/> a descriptor of its own to own, and disposes of the socket once that went well; otherwise the socket stays as it was.</summary>
    /// <remarks>
    /// A duplicate, since the object cannot be made to let go: with its handle marked invalid, its Dispose spins for ever and shuts a number down that is a stranger's by then.
    /// </remarks>
    /// <exception cref="SocketException">No descriptor is left.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static T Take<T>(Socket socket, Func<int, T> use)
    {
        int descriptor = DuplicateDescriptor(socket);
        T user;
        try
        {
            user = use(descriptor);
        }
        catch
        {
            _ = SocketNative.Close(descriptor);
            throw;
        }
        LetGo(socket);
        return user;
    }

    /// <summary>The same, for who uses the runtime's sockets: off Linux it gets <paramref name="socket"/> itself.</summary>
    /// <exception cref="SocketException">No descriptor is left.</exception>
    public static T TakeSocket<T>(Socket socket, Func<Socket, T> use)
    {
        if (!OperatingSystem.IsLinux())
        {
            return use(socket);
        }
        Socket own = Duplicate(socket);
        T user;
        try
        {
            user = use(own);
        }
        catch
        {
            own.Dispose();
            throw;
        }
        LetGo(socket);
        return user;
    }

    /// <summary>A second object for the same socket: whoever is first takes what comes.</summary>
    /// <exception cref="SocketException">No descriptor is left.</exception>
    public static Socket Duplicate(Socket socket) => OperatingSystem.IsLinux()
        ? new Socket(new SafeSocketHandle(DuplicateDescriptor(socket), ownsHandle: true))
        : throw new NotSupportedException("Several loops can wait at one socket on Linux only: serve it by one loop, or give the group a host and a port.");

    // The object that bound a unix socket removes its file when it is disposed of, which nobody could connect to any more: only its descriptor is closed then.
    private static void LetGo(Socket socket)
    {
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            socket.Dispose();
            return;
        }
        socket.SafeHandle.Dispose();
#pragma warning disable CA1816 // Its finalizer would remove the file too.
        GC.SuppressFinalize(socket);
#pragma warning restore CA1816
    }

    // With the handle held: one that is closed keeps its number, which is a stranger's by then.
    private static int DuplicateDescriptor(Socket socket)
    {
        bool held = false;
        try
        {
            socket.SafeHandle.DangerousAddRef(ref held);
            int descriptor = SocketNative.FileControl((int)socket.SafeHandle.DangerousGetHandle(), DuplicateCloseOnExec, 0);
            return descriptor >= 0 ? descriptor : throw Errno.ToSocketException(Marshal.GetLastPInvokeError(), "Cannot take over the socket");
        }
        catch (ObjectDisposedException)
        {
            throw new ObjectDisposedException(nameof(Socket), "The socket is closed. A server or connection that was given it owns it: give each a socket of its own.");
        }
        finally
        {
            if (held)
            {
                socket.SafeHandle.DangerousRelease();
            }
        }
    }
}
