using ProtoServer.LoadTest.Engine;
using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>Shows nothing.</summary>
internal sealed class QuietView : IRunObserver
{
    public void Connected(int open, int wanted, TimeSpan took)
    {
        // Quiet.
    }

    public void Interval(Sample sample, TimeSpan sinceStart)
    {
        // Quiet.
    }
}
