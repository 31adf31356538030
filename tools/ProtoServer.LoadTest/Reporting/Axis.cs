namespace ProtoServer.LoadTest.Reporting;

/// <summary>One axis of a plot: which values it spans, where they lie, and which are written beside it.</summary>
internal sealed class Axis
{
    private readonly Func<double, double> _scale;
    private readonly double _from;
    private readonly double _to;

    private Axis(double min, double max, Func<double, double> scale, IReadOnlyList<double> ticks)
    {
        Min = min;
        Max = max;
        _scale = scale;
        _from = scale(min);
        _to = scale(max);
        Ticks = ticks;
    }

    public double Min { get; }

    public double Max { get; }

    public IReadOnlyList<double> Ticks { get; }

    /// <summary>From zero, or below it, in equal steps of 1, 2 or 5.</summary>
    public static Axis Linear(double min, double max, int steps, bool roundUp)
    {
        max = max > min ? max : min + 1;
        double rough = (max - min) / steps;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        if (roundUp)
        {
            max = Math.Ceiling(max / step - 1e-9) * step;
        }
        List<double> ticks = [];
        for (double tick = Math.Ceiling(min / step - 1e-9) * step; tick <= max + (step * 1e-6); tick += step)
        {
            ticks.Add(Math.Abs(tick) < step * 1e-6 ? 0 : tick);
        }
        return new Axis(min, max, value => value, ticks);
    }

    /// <summary>Whole decades, or 1-2-5 when there are few.</summary>
    public static Axis Logarithmic(double min, double max)
    {
        min = Math.Max(min, 1e-6);
        max = Math.Max(max, min * 1.01);
        double low = Math.Floor(Math.Log10(min) + 1e-9);
        double high = Math.Ceiling(Math.Log10(max) - 1e-9);
        high = high <= low ? low + 1 : high;
        List<double> ticks = [];
        int each = high - low > 5 ? 2 : 1;
        for (double decade = low; decade <= high; decade += each)
        {
            ticks.Add(Math.Pow(10, decade));
        }
        if (high - low <= 2)
        {
            ticks.AddRange(ticks.SelectMany(tick => (double[])[tick * 2, tick * 5]).Where(tick => tick < Math.Pow(10, high)).ToArray());
            ticks.Sort();
        }
        return new Axis(Math.Pow(10, low), Math.Pow(10, high), Math.Log10, ticks);
    }

    /// <summary>Percentiles, by how much remains above: 0, 90, 99, 99.9 at equal distances.</summary>
    public static Axis Percentile(double most)
    {
        List<double> ticks = [0, 50];
        for (double above = 10; 100 - above <= most + 1e-9; above /= 10)
        {
            ticks.Add(Math.Round(100 - above, 9));
        }
        return new Axis(0, Math.Max(most, 90), value => -Math.Log10(1 - (Math.Min(value, 99.9999999) / 100)), ticks);
    }

    /// <summary>Where a value lies: 0 at the beginning of the axis, 1 at its end.</summary>
    public double Place(double value) => Math.Clamp((_scale(Math.Clamp(value, Min, Max)) - _from) / (_to - _from), 0, 1);
}
