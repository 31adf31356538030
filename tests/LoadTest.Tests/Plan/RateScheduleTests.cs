using ProtoServer.LoadTest.Plan;

namespace LoadTest.Tests.Plan;

public sealed class RateScheduleTests
{
    [Fact]
    public void ConstantRate_EachSend_IsDueAtItsMultiple()
    {
        var schedule = new RateSchedule([new RampStage(1000, 1000, TimeSpan.FromSeconds(10))]);

        double[] due = All(schedule);

        Assert.Equal(10_000, due.Length);
        Assert.All(Enumerable.Range(0, due.Length), k => Assert.Equal(k / 1000.0, due[k], 9));
    }

    [Fact]
    public void Ramp_FromZero_SendsTheAreaUnderItsLine()
    {
        var schedule = new RateSchedule([new RampStage(0, 1000, TimeSpan.FromSeconds(10))]);

        double[] due = All(schedule);

        Assert.Equal(5000, due.Length);
        // Half of the time, a quarter of the area.
        Assert.Equal(1250, due.Count(seconds => seconds < 5), 1.0);
        Assert.True(due.SequenceEqual(due.Order()));
        Assert.InRange(due[^1], 9.9, 10);
    }

    [Fact]
    public void Ramp_Falling_ReachesZeroWithoutNotANumber()
    {
        var schedule = new RateSchedule([new RampStage(1000, 0, TimeSpan.FromSeconds(4))]);

        double[] due = All(schedule);

        Assert.Equal(2000, due.Length);
        Assert.All(due, seconds => Assert.InRange(seconds, 0, 4));
    }

    [Fact]
    public void Stages_AfterEachOther_ContinueTheCount()
    {
        Assert.True(RampStage.TryParse("100@1s,200@1s,200:0s,400:1s", out IReadOnlyList<RampStage> stages));
        var schedule = new RateSchedule(stages);

        double[] due = All(schedule);

        Assert.Equal(100 + 200 + 300, due.Length);
        Assert.Equal(100, due.Count(seconds => seconds < 1 - 1e-9));
        Assert.Equal(1.0, due[100], 9);
        Assert.Equal(2.0, due[300], 9);
        Assert.Equal(TimeSpan.FromSeconds(3), schedule.Duration);
    }

    [Fact]
    public void Threads_TakingEveryNth_TogetherKeepTheSchedule()
    {
        var schedule = new RateSchedule([new RampStage(10, 500, TimeSpan.FromSeconds(3))]);
        double[] whole = All(schedule);

        List<double> shared = [];
        for (int thread = 0; thread < 3; thread++)
        {
            int stage = 0;
            for (long k = thread; k < schedule.Total; k += 3)
            {
                shared.Add(schedule.DueSeconds(k, ref stage));
            }
        }

        Assert.Equal(whole, shared.Order());
    }

    [Fact]
    public void Schedule_BehindItsLastSend_HasNothingDue()
    {
        var schedule = new RateSchedule([new RampStage(10, 10, TimeSpan.FromSeconds(1))]);
        int stage = 0;

        Assert.Equal(double.PositiveInfinity, schedule.DueSeconds(10, ref stage));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 1250)]
    [InlineData(10, 5000)]
    [InlineData(15, 10_000)]
    public void CountUntil_WithinStages_IsTheArea(double seconds, double count)
    {
        var schedule = new RateSchedule([new RampStage(0, 1000, TimeSpan.FromSeconds(10)), new RampStage(1000, 1000, TimeSpan.FromSeconds(5))]);

        Assert.Equal(count, schedule.CountUntil(seconds), 6);
    }

    [Theory]
    [InlineData("100")]
    [InlineData("100:")]
    [InlineData(":10s")]
    [InlineData("100:10s,")]
    [InlineData("0@10s")]
    [InlineData("1000:0s")]
    public void Ramp_MalformedOrEmpty_IsRefused(string text) => Assert.False(RampStage.TryParse(text, out _));

    private static double[] All(RateSchedule schedule)
    {
        int stage = 0;
        return [.. Enumerable.Range(0, (int)schedule.Total).Select(k => schedule.DueSeconds(k, ref stage))];
    }
}
