using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>Errors of the runtime's sockets, and what they become.</summary>
internal static class SocketsErrors
{
    /// <summary>accept(2) also hands over errors of the one connection that it was about to give: the next one may be fine.</summary>
    public static bool IsOfOneConnection(SocketError error) => error is SocketError.ConnectionAborted or SocketError.ConnectionReset or SocketError.Interrupted or SocketError.ProtocolNotSupported
        or SocketError.NetworkDown or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.HostUnreachable or SocketError.OperationNotSupported;

    /// <summary>How a connection's end is told to its protocol: in the same types as on epoll.</summary>
    public static IOException ToConnectionException(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.ConnectionReset or SocketError.Shutdown => new ConnectionResetException("The peer reset the connection.", exception),
        SocketError.TimedOut => new IOException("The peer no longer answers: the connection timed out.", exception),
        _ => new IOException($"The connection failed: {exception.Message}.", exception),
    };

    /// <summary>Names the address and the reason, and says what to do where that is known.</summary>
    public static SocketException Refusal(string what, System.Net.EndPoint endPoint, SocketException exception)
    {
        string hint = exception.SocketErrorCode == SocketError.AddressAlreadyInUse ? " Another server listens there: stop it, or choose another port (0 picks a free one)." : "";
        return new SocketException((int)exception.SocketErrorCode, $"Cannot {what} {endPoint}: {exception.Message}.{hint}");
    }
}
