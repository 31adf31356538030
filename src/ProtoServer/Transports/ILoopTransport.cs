using System.Net;
using System.Net.Sockets;

namespace ProtoServer;

/// <summary>A transport of ours as <c>CreateServer</c> uses it: below what the ecosystem sees, without the bridge to other threads. Any thread.</summary>
internal interface ILoopTransport
{
    /// <summary>Binds without listening yet: connects are refused until <see cref="ILoopListener.Listen"/>.</summary>
    /// <exception cref="SocketException">Names the address and the reason.</exception>
    /// <exception cref="NotSupportedException">An address that this transport does not know.</exception>
    ILoopListener Bind(EndPoint endPoint);

    /// <summary>Takes over a bound, perhaps listening socket; the object given is of no use afterwards.</summary>
    ILoopListener Adopt(Socket socket);
}
