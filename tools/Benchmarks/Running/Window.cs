using System.Globalization;

namespace Benchmarks.Running;

/// <summary>What one measured window held.</summary>
/// <param name="Operations">Messages, connections, timers or calls.</param>
/// <param name="Seconds">How long it was.</param>
/// <param name="CpuMicroseconds">User and system time of the process under measure.</param>
/// <param name="UserShare">The user part of that time, 0 to 1: the kernel's estimate, from ticks; null where it is not known.</param>
/// <param name="P50Microseconds">Median latency, of a whole batch from its send to its last byte; null where none is measured.</param>
/// <param name="P99Microseconds">99th percentile of the same.</param>
/// <param name="ClientCpuMicroseconds">User and system time of the client; null without one.</param>
internal sealed record Window(
    double Operations, double Seconds, double CpuMicroseconds, double? UserShare = null, double? P50Microseconds = null, double? P99Microseconds = null, double? ClientCpuMicroseconds = null)
{
    /// <summary>CPU time for one operation, in microseconds.</summary>
    public double CpuPerOperation => CpuMicroseconds / Operations;

    public double Rate => Operations / Seconds;

    /// <summary>Reads <c>key value</c> pairs, divided by line ends or semicolons.</summary>
    /// <exception cref="FormatException">A pair that is needed is missing, or no number.</exception>
    public static Window Parse(string text)
    {
        Dictionary<string, double> values = [];
        foreach (string pair in text.Split(['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int space = pair.IndexOf(' ', StringComparison.Ordinal);
            values[space < 0 ? pair : pair[..space]] = double.Parse(pair.AsSpan(space + 1), CultureInfo.InvariantCulture);
        }

        return new Window(Needed("operations"), Needed("seconds"), Needed("cpu_us"), Optional("user_share"), Optional("p50_us"), Optional("p99_us"), Optional("client_cpu_us"));

        double Needed(string key) => Optional(key) ?? throw new FormatException($"'{key}' is missing in '{text.Trim()}'.");
        double? Optional(string key) => values.TryGetValue(key, out double value) ? value : null;
    }
}
