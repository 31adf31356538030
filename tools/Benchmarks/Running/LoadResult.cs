using System.Globalization;

namespace Benchmarks.Running;

/// <summary>One measured window. Latencies are of a whole batch: from its send to its last byte.</summary>
internal sealed record LoadResult(double Messages, double Rate, double P50Microseconds, double P99Microseconds, double ServerCpuMicroseconds, double ClientCpuMicroseconds)
{
    /// <summary>User and system time of the server process for one message, in microseconds.</summary>
    public double CpuPerMessage => ServerCpuMicroseconds / Messages;

    /// <summary>Reads the <c>key value</c> lines of peers/load.c.</summary>
    public static LoadResult Parse(string text)
    {
        Dictionary<string, double> values = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 2))
            .ToDictionary(pair => pair[0], pair => double.Parse(pair[1], CultureInfo.InvariantCulture));
        return new LoadResult(values["messages"], values["rate"], values["p50_us"], values["p99_us"], values["server_cpu_us"], values["client_cpu_us"]);
    }
}
