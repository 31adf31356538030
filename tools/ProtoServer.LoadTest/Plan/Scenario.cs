namespace ProtoServer.LoadTest.Plan;

/// <summary>What the connections do.</summary>
internal enum Scenario
{
    /// <summary>Send a message, expect it back.</summary>
    Echo,

    /// <summary>SET and GET in RESP.</summary>
    Kv,

    /// <summary>A message template and a rule for what a reply is.</summary>
    Raw,

    /// <summary>Connect and hold.</summary>
    Idle,

    /// <summary>Connect, ask, close, again.</summary>
    Churn,
}
