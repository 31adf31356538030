using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>The counters of a run, in requests unless the name says otherwise.</summary>
internal sealed record CountsReport
{
    public long Sent { get; init; }

    public long Answered { get; init; }

    public long Good { get; init; }

    public long Misses { get; init; }

    public long ErrorReplies { get; init; }

    public long Wrong { get; init; }

    public long StrayReplies { get; init; }

    public long Lost { get; init; }

    public long LostByTimeout { get; init; }

    public long LostOvertaken { get; init; }

    public long LostWithConnection { get; init; }

    public long LostUnansweredAtEnd { get; init; }

    public long NotSent { get; init; }

    public long Connections { get; init; }

    public long Reconnections { get; init; }

    public long ConnectsRefused { get; init; }

    public long ConnectsTimedOut { get; init; }

    public long ConnectsFailed { get; init; }

    public long ConnectionsReset { get; init; }

    public long ConnectionsClosed { get; init; }

    public long ConnectionsClosedMidReply { get; init; }

    public long BytesSent { get; init; }

    public long BytesReceived { get; init; }

    /// <summary>Everything that a flawless run has none of.</summary>
    public long Errors { get; init; }

    public static CountsReport Of(Ledger ledger) => new()
    {
        Sent = ledger[Counter.Sent],
        Answered = ledger.Answered,
        Good = ledger[Counter.Good],
        Misses = ledger[Counter.Miss],
        ErrorReplies = ledger[Counter.ErrorReply],
        Wrong = ledger[Counter.Wrong],
        StrayReplies = ledger[Counter.Stray],
        Lost = ledger.Lost,
        LostByTimeout = ledger[Counter.LostTimeout],
        LostOvertaken = ledger[Counter.LostOvertaken],
        LostWithConnection = ledger[Counter.LostWithConnection],
        LostUnansweredAtEnd = ledger[Counter.LostAtEnd],
        NotSent = ledger[Counter.NotSent],
        Connections = ledger[Counter.Connected],
        Reconnections = ledger[Counter.Reconnected],
        ConnectsRefused = ledger[Counter.ConnectRefused],
        ConnectsTimedOut = ledger[Counter.ConnectTimeout],
        ConnectsFailed = ledger[Counter.ConnectFailed],
        ConnectionsReset = ledger[Counter.Reset],
        ConnectionsClosed = ledger[Counter.UnexpectedClose],
        ConnectionsClosedMidReply = ledger[Counter.ShortReply],
        BytesSent = ledger[Counter.BytesSent],
        BytesReceived = ledger[Counter.BytesReceived],
        Errors = ledger.Errors,
    };
}
