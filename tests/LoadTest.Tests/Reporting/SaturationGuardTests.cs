using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.Reporting;

public sealed class SaturationGuardTests
{
    [Fact]
    public void Figures_OfAnIdleGenerator_AreValid() => Assert.True(Samples.Result().Report.Valid);

    [Theory]
    [InlineData(0.89, true)]
    [InlineData(0.91, false)]
    public void Figures_OfABusyLoop_AreNotValid(double busiest, bool valid)
    {
        RunReport report = Samples.Result(busiest: busiest).Report;

        Assert.Equal(valid, report.Valid);
        Assert.Equal(valid ? 0 : 1, report.InvalidBecause.Count);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, false)]
    public void Figures_WithLateSends_AreNotValid(int late, bool valid) =>
        Assert.Equal(valid, Samples.Result(total => total.Measured[Counter.PacedLate] = late).Report.Valid);

    // The measured p99 is 99 ms, so a lag of 9 ms is within a tenth, and one of 11 ms is not.
    [Theory]
    [InlineData(9, true)]
    [InlineData(11, false)]
    public void Figures_WithOwnLagInThem_AreNotValid(int milliseconds, bool valid) =>
        Assert.Equal(valid, Samples.Result(total => Latencies.Record(total.Lag, milliseconds * 1_000_000L, 100)).Report.Valid);

    // A lag of 0.15 ms is most of a p99 of 0.2 ms, but it is what a wake-up costs every client.
    [Theory]
    [InlineData(150_000, true)]
    [InlineData(250_000, false)]
    public void Figures_OfAFastServer_MayContainAWakeUp(long lag, bool valid)
    {
        RunReport report = Samples.Result(total =>
        {
            total.Corrected.Reset();
            Latencies.Record(total.Corrected, 300_000, 1000);
            Latencies.Record(total.Lag, lag, 100);
        }).Report;

        Assert.Equal(valid, report.Valid);
    }
}
