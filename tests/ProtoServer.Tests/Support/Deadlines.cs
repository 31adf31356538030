using System.Diagnostics;

namespace ProtoServer.Tests;

/// <summary>No wait of a test is without end.</summary>
internal static class Deadlines
{
    /// <summary>Far above what anything here takes: a test that meets it is broken, not slow.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(30);

    public static Task Within(this Task task, TimeSpan? deadline = null) => task.WaitAsync(deadline ?? Default);

    public static Task<T> Within<T>(this Task<T> task, TimeSpan? deadline = null) => task.WaitAsync(deadline ?? Default);

    /// <summary>Looks again and again until <paramref name="condition"/> holds: for what nobody announces, such as the number of open descriptors.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what, TimeSpan? deadline = null)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > (deadline ?? Default))
            {
                throw new TimeoutException($"Not within {deadline ?? Default}: {what}.");
            }
            await Task.Delay(2);
        }
    }
}
