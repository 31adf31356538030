namespace ProtoServer.LoadTest.Measuring;

/// <summary>What is counted. Each request that was sent ends in exactly one of the answered or lost counters.</summary>
internal enum Counter
{
    /// <summary>Requests handed to a connection.</summary>
    Sent,

    /// <summary>Right replies, misses not among them.</summary>
    Good,

    /// <summary>Right replies that say: nothing under that key.</summary>
    Miss,

    /// <summary>Replies in which the server reports an error.</summary>
    ErrorReply,

    /// <summary>Replies with other bytes than they must have.</summary>
    Wrong,

    /// <summary>Lost: no reply within the timeout.</summary>
    LostTimeout,

    /// <summary>Lost: a later request of the same connection was answered first.</summary>
    LostOvertaken,

    /// <summary>Lost: the connection ended before the reply.</summary>
    LostWithConnection,

    /// <summary>Lost: no reply when the run, its grace included, was over.</summary>
    LostAtEnd,

    /// <summary>Due by the schedule, but never sent: no connection was free.</summary>
    NotSent,

    /// <summary>Bytes that answered no request.</summary>
    Stray,

    /// <summary>Connections made.</summary>
    Connected,

    /// <summary>Connections made to replace one that ended before its time.</summary>
    Reconnected,

    /// <summary>Connects that the peer refused.</summary>
    ConnectRefused,

    /// <summary>Connects that did not complete in time.</summary>
    ConnectTimeout,

    /// <summary>Connects that failed otherwise: no route, no local port, no descriptor.</summary>
    ConnectFailed,

    /// <summary>Connections that the peer reset.</summary>
    Reset,

    /// <summary>Connections that the peer closed between two replies.</summary>
    UnexpectedClose,

    /// <summary>Connections that the peer closed in the middle of a reply.</summary>
    ShortReply,

    /// <summary>Bytes of requests.</summary>
    BytesSent,

    /// <summary>Bytes of replies.</summary>
    BytesReceived,

    /// <summary>Scheduled sends that were on time, or late through our own fault.</summary>
    Paced,

    /// <summary>Of these, late by more than a millisecond.</summary>
    PacedLate,
}
