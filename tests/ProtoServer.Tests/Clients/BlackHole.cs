using System.Net;
using System.Net.Sockets;

namespace ProtoServer.Tests.Clients;

/// <summary>An address that answers nothing: a listener whose backlog is full, to which the kernel sends no SYN-ACK. On 127.0.0.2, so that the same port works elsewhere.</summary>
internal sealed class BlackHole : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _only = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public BlackHole(int port = 0)
    {
        _listener.Bind(new IPEndPoint(Address, port));
        _listener.Listen(0);
        _only.Connect(_listener.LocalEndPoint!);
    }

    public static IPAddress Address { get; } = IPAddress.Parse("127.0.0.2");

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public int Port => EndPoint.Port;

    public void Dispose()
    {
        _only.Dispose();
        _listener.Dispose();
    }
}
