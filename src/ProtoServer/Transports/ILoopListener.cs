using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>A listener of one of our transports: bound when it is made, listening when it is told to. Made on any thread, used on the loop's; its connections live on the loop.</summary>
internal interface ILoopListener : IConnectionListener
{
    /// <summary>Connections are welcome from now on. Again, it only sets the backlog. Any thread.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">Names the address and the reason.</exception>
    void Listen();

    /// <summary>Closes a listener that never came to a loop. Any thread.</summary>
    void CloseUnused();
}
