using System.Collections;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>What a service has to say to systemd, and the sockets that it gets from it. Any thread. Outside of systemd all of this does nothing.</summary>
/// <remarks>
/// With a socket unit systemd listens, and goes on listening while the service is restarted: clients wait in the backlog meanwhile, and none is refused.
/// Sources: <see href="https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html">sd_listen_fds(3)</see>, <see href="https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html">sd_notify(3)</see>.
/// </remarks>
public static class Systemd
{
    private const int FirstDescriptor = 3; // SD_LISTEN_FDS_START
    private const int SetDescriptorFlags = 2; // F_SETFD
    private const int CloseOnExec = 1; // FD_CLOEXEC

    private static readonly string[] s_listenVariables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

    /// <summary>Takes the listening sockets that systemd opened for this process: give each to <c>CreateServer</c>. A second call finds none.</summary>
    /// <returns>Name and socket, in the order of the unit's lines. The name is that of <c>FileDescriptorName=</c>, by default the unit's. Empty where there are none.</returns>
    /// <remarks>The variables are removed from this process's environment, and the descriptors closed on exec: children get neither.</remarks>
    public static IReadOnlyList<(string Name, Socket Socket)> TakeListeningSockets()
    {
        if (!OperatingSystem.IsLinux())
        {
            return [];
        }
        IReadOnlyList<(string Name, int Descriptor)> passed = Passed(Environment.GetEnvironmentVariables(), Environment.ProcessId);
        Array.ForEach(s_listenVariables, static variable => Environment.SetEnvironmentVariable(variable, null));
        return [.. passed.Select(static one => (one.Name, ToSocket(one.Descriptor)))];
    }

    /// <summary>Tells systemd that the service is up (<c>READY=1</c>): with <c>Type=notify</c> units that wait for it are started now.</summary>
    /// <returns>Whether there was somebody to tell.</returns>
    public static bool NotifyReady() => Notify("READY=1");

    /// <summary>Tells systemd that the service is going down (<c>STOPPING=1</c>): call it before draining.</summary>
    /// <returns>Whether there was somebody to tell.</returns>
    public static bool NotifyStopping() => Notify("STOPPING=1");

    /// <summary>Sends any state of sd_notify(3), lines of <c>NAME=value</c>, such as <c>STATUS=42 connections</c>.</summary>
    /// <param name="state">What to say.</param>
    /// <returns>Whether there was somebody to tell: <c>NOTIFY_SOCKET</c> is set and took it.</returns>
    public static bool Notify(string state)
    {
        ArgumentException.ThrowIfNullOrEmpty(state);
        return Notify(state, Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));
    }

    internal static bool Notify(string state, string? address)
    {
        if (string.IsNullOrEmpty(address) || address[0] is not '/' and not '@')
        {
            return false;
        }
        try
        {
            // systemd writes an abstract name with an @ in front.
            var endPoint = new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address);
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            return socket.SendTo(System.Text.Encoding.UTF8.GetBytes(state), endPoint) > 0;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            // A notice is no reason to fail: not for a want of descriptors, nor for a path that is too long.
            return false;
        }
    }

    /// <summary>What the environment says was passed to the process with this id: variables that came down from a parent's are somebody else's.</summary>
    internal static IReadOnlyList<(string Name, int Descriptor)> Passed(IDictionary environment, int processId)
    {
        if (Number(environment["LISTEN_PID"]) != processId || Number(environment["LISTEN_FDS"]) is not (> 0 and < 4096 and int count))
        {
            return [];
        }
        string[] names = (environment["LISTEN_FDNAMES"] as string)?.Split(':') ?? [];
        return [.. Enumerable.Range(0, count).Select(i => (i < names.Length ? names[i] : "unknown", FirstDescriptor + i))];
    }

    private static int? Number(object? text) => int.TryParse(text as string, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static Socket ToSocket(int descriptor)
    {
        if (SocketNative.FileControl(descriptor, SetDescriptorFlags, CloseOnExec) < 0)
        {
            throw Errno.ToSocketException(Marshal.GetLastPInvokeError(), $"Cannot take descriptor {descriptor} from systemd (LISTEN_FDS names it)");
        }
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
    }
}
