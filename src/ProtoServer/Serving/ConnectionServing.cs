using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>What becomes of a connection once it stands: how it is made, and what to call that in a report.</summary>
/// <param name="Serve">Makes what runs over the connection, whose pipes are on the loop. Loop thread.</param>
/// <param name="Name">As in "The protocol factory".</param>
/// <param name="Source">The user's delegate.</param>
internal sealed record ConnectionServing(Func<Server, ConnectionContext, IServedConnection> Serve, string Name, Delegate Source);
