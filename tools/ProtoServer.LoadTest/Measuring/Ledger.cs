namespace ProtoServer.LoadTest.Measuring;

/// <summary>The counters of one stretch of a run.</summary>
/// <remarks>Belongs to one loop until it is handed over.</remarks>
internal sealed class Ledger
{
    private static readonly int s_length = Enum.GetValues<Counter>().Length;

    private readonly long[] _counts = new long[s_length];

    public long this[Counter counter]
    {
        get => _counts[(int)counter];
        set => _counts[(int)counter] = value;
    }

    public long Answered => this[Counter.Good] + this[Counter.Miss] + this[Counter.ErrorReply] + this[Counter.Wrong];

    public long Lost => this[Counter.LostTimeout] + this[Counter.LostOvertaken] + this[Counter.LostWithConnection] + this[Counter.LostAtEnd];

    /// <summary>Connects that failed and connections that ended before their time.</summary>
    public long ConnectionErrors => this[Counter.ConnectRefused] + this[Counter.ConnectTimeout] + this[Counter.ConnectFailed]
        + this[Counter.Reset] + this[Counter.UnexpectedClose] + this[Counter.ShortReply];

    /// <summary>Everything that a flawless run has none of.</summary>
    public long Errors => this[Counter.ErrorReply] + this[Counter.Wrong] + this[Counter.Stray] + Lost + ConnectionErrors;

    public void Add(Ledger other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    public void Clear() => Array.Clear(_counts);
}
