namespace Benchmarks.Running;

internal static class Statistics
{
    /// <summary>The middle value, or the mean of the two middle ones.</summary>
    public static double Median(this IEnumerable<double> values) => values.Quantile(0.5);

    /// <summary>The value below which a share of the others lies, interpolated between the two nearest.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="share">0 is the lowest, 1 the highest.</param>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Quantile(this IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
        {
            throw new ArgumentException("Nothing was measured, so there is no quantile.", nameof(values));
        }

        double position = share * (sorted.Length - 1);
        int lower = (int)position;
        int upper = Math.Min(lower + 1, sorted.Length - 1);
        return sorted[lower] + ((position - lower) * (sorted[upper] - sorted[lower]));
    }
}
