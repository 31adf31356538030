namespace ProtoServer.LoadTest.Servers;

/// <summary>The servers that the tool brings with it: a good one, and some with a known fault.</summary>
internal enum ServeMode
{
    /// <summary>Sends back what it receives.</summary>
    Echo,

    /// <summary>Receives and says nothing.</summary>
    Sink,

    /// <summary>An echo that freezes once, for all connections together.</summary>
    Stall,

    /// <summary>An echo that changes one byte in so many.</summary>
    Flip,

    /// <summary>An echo that leaves out one reply in so many.</summary>
    Drop,
}
