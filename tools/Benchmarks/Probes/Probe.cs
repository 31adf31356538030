using System.Diagnostics;
using System.Globalization;

namespace Benchmarks.Probes;

/// <summary>Work inside this process, done when a line on standard input says how often; what it cost goes to standard output.</summary>
internal static class Probe
{
    /// <summary>By name; each gets the number of operations and a call to make when its preparations are done.</summary>
    public static IReadOnlyDictionary<string, Action<int, Action>> Works { get; } = new Dictionary<string, Action<int, Action>>
    {
        ["timers-cancel-loop"] = LoopTimers.Cancel,
        ["timers-fire-loop"] = LoopTimers.Fire,
        ["timers-cancel-timer"] = SystemTimers.Cancel,
        ["timers-fire-timer"] = SystemTimers.Fire,
        ["calls-flood-loop"] = LoopCalls.Flood,
        ["calls-ping-loop"] = LoopCalls.Ping,
        ["calls-flood-post"] = LoopCalls.FloodPosts,
        ["calls-ping-post"] = LoopCalls.PingPosts,
        ["calls-flood-channel"] = ChannelCalls.Flood,
        ["calls-ping-channel"] = ChannelCalls.Ping,
        ["calls-flood-pump"] = PumpCalls.Flood,
        ["calls-ping-pump"] = PumpCalls.Ping,
    };

    public static void Run(Action<int, Action> work)
    {
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            int operations = int.Parse(line, CultureInfo.InvariantCulture);
            long started = 0;
            Environment.ProcessCpuUsage before = default;
            work(operations, () =>
            {
                // What an earlier run left behind is not this one's cost.
                GC.Collect();
                before = Environment.CpuUsage;
                started = Stopwatch.GetTimestamp();
            });
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            Environment.ProcessCpuUsage after = Environment.CpuUsage;
            double cpu = (after.TotalTime - before.TotalTime).TotalMicroseconds;
            double user = (after.UserTime - before.UserTime).TotalMicroseconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"operations {operations};seconds {seconds:F6};cpu_us {cpu:F3};user_share {(cpu > 0 ? user / cpu : 0):F4}"));
        }
    }

    /// <summary>Delays up to <paramref name="longest"/>, evenly spread, in the same order in every probe.</summary>
    public static TimeSpan[] Delays(int count, TimeSpan longest)
    {
        var delays = new TimeSpan[count];
        uint state = 1;
        for (int i = 0; i < count; i++)
        {
            state = (state * 1664525) + 1013904223;
            delays[i] = longest * ((state >> 8) / (double)(1 << 24));
        }

        return delays;
    }
}
