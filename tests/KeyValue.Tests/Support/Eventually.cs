namespace KeyValue.Tests.Support;

/// <summary>Waits for what a server does in its own time, and tells nobody.</summary>
internal static class Eventually
{
    /// <summary>Asks again and again until <paramref name="condition"/> holds; fails after 30 s with what <paramref name="state"/> tells.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string>? state = null)
    {
        DateTime end = DateTime.UtcNow.AddSeconds(30);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < end, $"It did not happen within 30 s. {state?.Invoke()}");
            await Task.Delay(10);
        }
    }
}
