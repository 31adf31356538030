namespace KeyValue.Journal;

/// <summary>When a write is safe.</summary>
internal enum Durability
{
    /// <summary>When the system finds time: a crash of the machine may lose what was written since, a crash of the process little or nothing.</summary>
    None,

    /// <summary>Within a second: a crash of the machine may lose the last one.</summary>
    EverySecond,

    /// <summary>Before it is acknowledged.</summary>
    Always,
}
