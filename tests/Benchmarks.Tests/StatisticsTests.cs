using Benchmarks.Running;

namespace Benchmarks.Tests;

public class StatisticsTests
{
    [Theory]
    [InlineData(new double[] { 3 }, 0.5, 3)]
    [InlineData(new double[] { 9, 1, 5 }, 0.5, 5)]
    [InlineData(new double[] { 4, 1, 2, 3 }, 0.5, 2.5)]
    [InlineData(new double[] { 5, 4, 3, 2, 1 }, 0.25, 2)]
    [InlineData(new double[] { 1, 2, 3, 4 }, 0.75, 3.25)]
    [InlineData(new double[] { 2, 1 }, 0, 1)]
    [InlineData(new double[] { 2, 1 }, 1, 2)]
    public void Quantile_OfUnorderedValues_IsInterpolated(double[] values, double share, double expected) => Assert.Equal(expected, values.Quantile(share), 12);

    [Fact]
    public void Quantile_OfNothing_Throws() => Assert.Throws<ArgumentException>(() => Array.Empty<double>().Quantile(0.5));
}
