namespace ProtoServer.LoadTest.Plan;

/// <summary>When each send of an open loop is meant to happen: the k-th when the area under the rate reaches k.</summary>
/// <remarks>Immutable: one for all loops. Each loop takes every n-th send, so that together they keep the rate exactly.</remarks>
internal sealed class RateSchedule
{
    private readonly RampStage[] _stages;
    private readonly double[] _countBefore;
    private readonly double[] _secondsBefore;

    /// <summary>The same rate for ever.</summary>
    public RateSchedule(double perSecond) : this([new RampStage(perSecond, perSecond, TimeSpan.FromDays(365))])
    {
    }

    /// <summary>Stage after stage; nothing is due after the last.</summary>
    public RateSchedule(IReadOnlyList<RampStage> stages)
    {
        _stages = [.. stages];
        _countBefore = new double[_stages.Length];
        _secondsBefore = new double[_stages.Length];
        double count = 0, seconds = 0;
        for (int i = 0; i < _stages.Length; i++)
        {
            _countBefore[i] = count;
            _secondsBefore[i] = seconds;
            count += _stages[i].Count;
            seconds += _stages[i].Duration.TotalSeconds;
        }
        // A schedule of 10 s at 1000/s has sends 0 to 9999: the one that would fall on the very end is not in it.
        Total = (long)Math.Ceiling(count - 1e-6);
        Duration = TimeSpan.FromSeconds(seconds);
    }

    /// <summary>Sends in the whole schedule.</summary>
    public long Total { get; }

    public TimeSpan Duration { get; }

    /// <summary>Seconds after the start at which send number <paramref name="index"/> (from 0) is due; infinity behind the last.</summary>
    /// <param name="stage">The caller's cursor, 0 at first: indices only grow.</param>
    public double DueSeconds(long index, ref int stage)
    {
        if (index >= Total)
        {
            return double.PositiveInfinity;
        }
        while (stage + 1 < _stages.Length && index >= _countBefore[stage + 1])
        {
            stage++;
        }
        RampStage current = _stages[stage];
        double wanted = index - _countBefore[stage];
        double slope = current.Duration > TimeSpan.Zero ? (current.To - current.From) / current.Duration.TotalSeconds : 0;
        // From t + slope/2 t² = wanted, in the form that does not cancel when the slope is small, and that holds when it is zero.
        double root = Math.Sqrt(Math.Max(0, (current.From * current.From) + (2 * slope * wanted)));
        double seconds = wanted == 0 ? 0 : 2 * wanted / (current.From + root);
        return _secondsBefore[stage] + seconds;
    }

    /// <summary>Sends due in the first <paramref name="seconds"/>.</summary>
    public double CountUntil(double seconds)
    {
        double count = 0;
        foreach (RampStage stage in _stages)
        {
            double length = stage.Duration.TotalSeconds;
            double part = Math.Min(seconds, length);
            if (part <= 0)
            {
                break;
            }
            double slope = length > 0 ? (stage.To - stage.From) / length : 0;
            count += (stage.From * part) + (slope * part * part / 2);
            seconds -= part;
        }
        return count;
    }
}
