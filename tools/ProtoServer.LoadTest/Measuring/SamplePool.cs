using System.Collections.Concurrent;

namespace ProtoServer.LoadTest.Measuring;

/// <summary>Samples to be used again: each holds close to a megabyte of histograms.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class SamplePool
{
    private readonly ConcurrentBag<Sample> _free;

    /// <param name="count">How many to have ready, so that none is made while the load runs.</param>
    public SamplePool(int count) => _free = [.. Enumerable.Range(0, count).Select(_ => new Sample())];

    public Sample Take() => _free.TryTake(out Sample? sample) ? sample : new Sample();

    public void Return(Sample sample)
    {
        sample.Clear();
        _free.Add(sample);
    }
}
