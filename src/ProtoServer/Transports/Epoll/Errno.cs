using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>Error numbers of Linux (errno(3)) and what they become.</summary>
internal static class Errno
{
    public const int Again = 11;
    public const int Interrupted = 4;
    public const int OutOfMemory = 12;
    public const int TooManyOpenInSystem = 23; // ENFILE
    public const int TooManyOpen = 24; // EMFILE
    public const int BrokenPipe = 32;
    public const int AddressFamilyNotSupported = 97;
    public const int AddressInUse = 98;
    public const int AddressNotAvailable = 99;
    public const int ConnectionAborted = 103;
    public const int ConnectionReset = 104;
    public const int NetworkUnreachable = 101;
    public const int NoBuffers = 105;
    public const int TimedOut = 110;
    public const int ConnectionRefused = 111;
    public const int HostUnreachable = 113;
    public const int InProgress = 115;

    /// <summary>The machine is out of something: waiting helps, trying again at once does not.</summary>
    public static bool IsShortage(int errno) => errno is TooManyOpen or TooManyOpenInSystem or NoBuffers or OutOfMemory;

    /// <summary>accept(2) also hands over errors of the one connection that it was about to give: the next one may be fine.</summary>
    public static bool IsOfOneConnection(int errno) => errno is ConnectionAborted or Interrupted
        or 1 // EPERM: a firewall
        or 71 or 64 or 92 or 95 or 100 or 101 or 112 or 113; // EPROTO ENONET ENOPROTOOPT EOPNOTSUPP ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH

    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>How a connection's end is told to its protocol.</summary>
    public static IOException ToConnectionException(int errno) => errno switch
    {
        ConnectionReset or BrokenPipe => new ConnectionResetException("The peer reset the connection.", new SocketException((int)ToSocketError(errno), Text(errno))),
        TimedOut => new IOException("The peer no longer answers: the connection timed out.", new SocketException((int)ToSocketError(errno), Text(errno))),
        _ => new IOException($"The connection failed: {Text(errno)}.", new SocketException((int)ToSocketError(errno), Text(errno))),
    };

    /// <summary>What a refused request is told to its caller: <paramref name="what"/>, the kernel's reason, and perhaps a hint.</summary>
    public static SocketException ToSocketException(int errno, string what, string hint = "") =>
        new((int)ToSocketError(errno), $"{what}: {Text(errno)}.{hint}");

    public static SocketError ToSocketError(int errno) => errno switch
    {
        1 or 13 => SocketError.AccessDenied, // EPERM, EACCES
        AddressInUse => SocketError.AddressAlreadyInUse,
        AddressNotAvailable => SocketError.AddressNotAvailable,
        AddressFamilyNotSupported => SocketError.AddressFamilyNotSupported,
        BrokenPipe or ConnectionReset => SocketError.ConnectionReset,
        ConnectionAborted => SocketError.ConnectionAborted,
        ConnectionRefused => SocketError.ConnectionRefused,
        HostUnreachable => SocketError.HostUnreachable,
        NetworkUnreachable => SocketError.NetworkUnreachable,
        NoBuffers or OutOfMemory => SocketError.NoBufferSpaceAvailable,
        TimedOut => SocketError.TimedOut,
        TooManyOpen or TooManyOpenInSystem => SocketError.TooManyOpenSockets,
        _ => SocketError.SocketError,
    };
}
