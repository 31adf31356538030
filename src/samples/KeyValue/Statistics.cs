using System.Text;
using KeyValue.Commands;

namespace KeyValue;

/// <summary>What became of the calls of one command.</summary>
internal sealed class CommandStatistics
{
    /// <summary>Carried out, failures included.</summary>
    public long Calls;

    /// <summary>Refused before: wrong number of arguments, no password, no memory.</summary>
    public long Rejected;

    /// <summary>Answered with an error.</summary>
    public long Failed;
}

/// <summary>The counters that INFO tells. Loop thread only.</summary>
internal sealed class Statistics(int commands)
{
    // Error codes come from our own table, but one is a client's doing; a bound costs nothing.
    private const int MostErrorCodes = 128;

    private readonly CommandStatistics[] _commands = [.. Enumerable.Range(0, commands).Select(_ => new CommandStatistics())];
    private readonly SortedDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private long _callsBefore;

    public long Connections { get; set; }

    public long RejectedConnections { get; set; }

    public long ProtocolErrors { get; set; }

    /// <summary>Calls in the last second that is over.</summary>
    public long CallsPerSecond { get; private set; }

    public long TotalCalls => _commands.Sum(command => command.Calls);

    public long TotalErrors => _errors.Values.Sum();

    public IEnumerable<KeyValuePair<string, long>> Errors => _errors;

    public CommandStatistics Of(Command command) => _commands[command.Index];

    /// <summary>Counts an error by its code, the first word of <paramref name="text"/>.</summary>
    public void CountError(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)' ');
        string code = Encoding.Latin1.GetString(end < 0 ? text : text[..end]);
        if (_errors.TryGetValue(code, out long count) || _errors.Count < MostErrorCodes)
        {
            _errors[code] = count + 1;
        }
    }

    /// <summary>A second is over.</summary>
    public void Tick()
    {
        long calls = TotalCalls;
        CallsPerSecond = calls - _callsBefore;
        _callsBefore = calls;
    }
}
