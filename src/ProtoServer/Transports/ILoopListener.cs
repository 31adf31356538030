using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>A listener of one of our transports: bound when it is made, listening when it is told to. Made on any thread, used on the loop's; its connections live on the loop.</summary>
internal interface ILoopListener : IConnectionListener
{
    /// <summary>Connections are welcome from now on. Again, it only sets the backlog. Any thread.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">Names the address and the reason.</exception>
    void Listen();

    /// <summary>Lets listeners that are bound from now on share the address, if they have SO_REUSEPORT too. Any thread, before <see cref="Listen"/>.</summary>
    /// <exception cref="NotSupportedException">The system does not know that.</exception>
    void ShareAddress();

    /// <summary>Closes a listener that never came to a loop. Any thread.</summary>
    void CloseUnused();
}
