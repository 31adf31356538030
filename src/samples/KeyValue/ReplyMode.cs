namespace KeyValue;

/// <summary>Whether a client wants replies.</summary>
internal enum ReplyMode
{
    On,

    /// <summary>Not to the next command.</summary>
    SkipNext,

    /// <summary>Not to this command; then on.</summary>
    Skip,

    Off,
}
