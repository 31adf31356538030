using System.Globalization;
using System.Text.RegularExpressions;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>A statement about a run's figures: <c>p99&gt;5ms</c>, <c>lost&gt;0</c>, <c>rate&lt;0.99</c>, <c>errors&gt;0.1%</c>.</summary>
/// <remarks>Immutable.</remarks>
internal sealed partial class Condition
{
    /// <summary>What may stand on the left side.</summary>
    public const string Metrics = "p50 p99 p99.9 ... min mean max (raw.p99 ... for the raw figures), rate, errors, wrong, lost, timeouts, refused, resets, closed, notsent, reconnects, misses";

    private readonly string _metric;
    private readonly string _operator;
    private readonly double _value;
    private readonly ValueUnit _unit;

    private Condition(string text, string metric, string comparison, double value, ValueUnit unit)
    {
        Text = text;
        _metric = metric;
        _operator = comparison;
        _value = value;
        _unit = unit;
    }

    private enum ValueUnit
    {
        Milliseconds,
        PerSecond,
        Share,
        Count,
    }

    public string Text { get; }

    /// <exception cref="FormatException">The text is no condition; the message says what is expected.</exception>
    public static Condition Parse(string text)
    {
        Match match = Shape().Match(text);
        if (!match.Success)
        {
            throw new FormatException($"'{text}' is no condition: write a figure, a comparison and a value, such as p99>5ms, lost>0 or rate<0.99.");
        }
        string metric = match.Groups["metric"].Value.ToLowerInvariant();
        string value = match.Groups["value"].Value;
        ValueUnit unit;
        double number;
        if (IsLatency(metric))
        {
            if (!char.IsLetter(value[^1]) || !Quantity.TryParseDuration(value, out TimeSpan duration))
            {
                throw new FormatException($"'{text}': {metric} is compared with a duration and its unit, such as 5ms or 250us.");
            }
            (number, unit) = (duration.TotalMilliseconds, ValueUnit.Milliseconds);
        }
        else if (!IsCount(metric) && metric != "rate")
        {
            throw new FormatException($"'{text}': there is no figure '{metric}'. There are: {Metrics}.");
        }
        else if (value.EndsWith('%') && double.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number))
        {
            (number, unit) = (number / 100, ValueUnit.Share);
        }
        else if (metric == "rate" && Quantity.TryParseRate(value, out number))
        {
            // Up to 1 without a unit it is a share of what was asked for: nobody asks for less than one request per second.
            unit = number <= 1 && !value.Contains('/') ? ValueUnit.Share : ValueUnit.PerSecond;
        }
        else if (metric != "rate" && Quantity.TryParseCount(value, out long count))
        {
            (number, unit) = (count, ValueUnit.Count);
        }
        else
        {
            throw new FormatException($"'{text}': {value} is no value for {metric}; it takes a number or a percentage.");
        }
        return new Condition(text, metric, match.Groups["operator"].Value, number, unit);
    }

    /// <summary>Whether the statement is true of the run, and the figure that decides it.</summary>
    public bool Holds(RunResult result, out string actual)
    {
        double figure = Figure(result);
        actual = _unit switch
        {
            ValueUnit.Milliseconds => Quantity.Duration(figure),
            ValueUnit.PerSecond => Quantity.Rate(figure),
            ValueUnit.Share => figure.ToString("0.####%", CultureInfo.InvariantCulture),
            _ => Quantity.Count((long)figure),
        };
        return _operator switch
        {
            ">" => figure > _value,
            ">=" => figure >= _value,
            "<" => figure < _value,
            "<=" => figure <= _value,
            _ => figure == _value,
        };
    }

    private double Figure(RunResult result)
    {
        RunReport report = result.Report;
        if (_unit == ValueUnit.Milliseconds)
        {
            bool raw = _metric.StartsWith("raw.", StringComparison.Ordinal);
            LatencyReport latency = raw ? report.Raw : report.Corrected;
            string name = raw ? _metric[4..] : _metric;
            return name switch
            {
                "min" => latency.MinMs,
                "mean" => latency.MeanMs,
                "max" => latency.MaxMs,
                _ => Latencies.Milliseconds(raw ? result.Raw : result.Corrected, double.Parse(name.AsSpan(1), CultureInfo.InvariantCulture)),
            };
        }
        if (_metric == "rate")
        {
            // A closed loop asks for nothing in particular: it has all of it.
            return _unit == ValueUnit.PerSecond ? report.AchievedPerSecond
                : report.AskedPerSecond is { } asked && asked > 0 ? report.AchievedPerSecond / asked : 1;
        }
        CountsReport counts = report.Counts;
        double count = _metric switch
        {
            "errors" => counts.Errors,
            "wrong" => counts.Wrong + counts.StrayReplies,
            "lost" => counts.Lost,
            "timeouts" => counts.LostByTimeout,
            "refused" => counts.ConnectsRefused,
            "resets" => counts.ConnectionsReset,
            "closed" => counts.ConnectionsClosed + counts.ConnectionsClosedMidReply,
            "notsent" => counts.NotSent,
            "reconnects" => counts.Reconnections,
            _ => counts.Misses,
        };
        return _unit == ValueUnit.Share ? count / Math.Max(1, counts.Sent + (_metric == "notsent" ? counts.NotSent : 0)) : count;
    }

    private static bool IsLatency(string metric) => Latency().IsMatch(metric);

    private static bool IsCount(string metric) => metric is "errors" or "wrong" or "lost" or "timeouts" or "refused" or "resets" or "closed" or "notsent" or "reconnects" or "misses";

    [GeneratedRegex(@"^\s*(?<metric>[A-Za-z0-9.]+)\s*(?<operator>>=|<=|>|<|=)\s*(?<value>[0-9.]+[a-zA-Zµ/%]*)\s*$")]
    private static partial Regex Shape();

    [GeneratedRegex(@"^(raw\.)?(min|mean|max|p(100|[0-9]{1,2}(\.[0-9]{1,6})?))$")]
    private static partial Regex Latency();
}
