namespace LoadTest.Tests;

/// <summary>The longest that a test waits for anything.</summary>
internal static class Deadline
{
    // Far above what a loaded machine needs: it is there so that a hang becomes a failure.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static Task<T> Within<T>(this Task<T> task) => task.WaitAsync(s_limit);

    public static Task Within(this Task task) => task.WaitAsync(s_limit);
}
