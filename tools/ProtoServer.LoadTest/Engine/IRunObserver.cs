using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Engine;

/// <summary>Who watches a run as it goes. Called one at a time, never from a loop's thread.</summary>
internal interface IRunObserver
{
    /// <summary>All connects have ended.</summary>
    void Connected(int open, int wanted, TimeSpan took);

    /// <summary>An interval is over on all loops.</summary>
    /// <param name="sample">Valid during the call only.</param>
    /// <param name="sinceStart">From the start of the load, warm-up included, to the end of the interval.</param>
    void Interval(Sample sample, TimeSpan sinceStart);
}
