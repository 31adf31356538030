using System.Net;

namespace ProtoServer;

/// <summary>One address that a client tried, and what came of it.</summary>
/// <param name="EndPoint">The address.</param>
/// <param name="Error">A <see cref="System.Net.Sockets.SocketException"/> from the kernel, a <see cref="TimeoutException"/> when it had not answered in time, or what a foreign transport threw.</param>
public sealed record ConnectFailure(EndPoint EndPoint, Exception Error);
