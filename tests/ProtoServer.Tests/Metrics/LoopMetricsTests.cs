using System.Diagnostics.Metrics;
using static ProtoServer.Tests.Tasks.OnLoop;

namespace ProtoServer.Tests.Metrics;

public class LoopMetricsTests
{
    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    [Fact]
    public void ReadyWait_BehindACallThatHoldsTheLoop_IsItsLength()
    {
        var clock = new HandClock();
        Run(
            async loop =>
            {
                await Turns(2);
                loop.CallSoon(() => clock.Advance(200));
                loop.CallSoon(() => { });
                await Turns(2);
                Assert.Equal(Milliseconds(200), loop.Metrics.ReadyWait.Max);
            },
            new EventLoopOptions { Clock = clock });
    }

    [Fact]
    public void ReadyWait_OfWhatALongCallScheduledItself_IsNothing()
    {
        var clock = new HandClock();
        Run(
            async loop =>
            {
                // No yields here: they would wait behind the long call.
                var ran = new TaskCompletionSource();
                loop.CallSoon(() =>
                {
                    clock.Advance(200);
                    loop.CallSoon(ran.SetResult);
                });
                await ran.Task;
                Assert.Equal(TimeSpan.Zero, loop.Metrics.ReadyWait.Max);
            },
            new EventLoopOptions { Clock = clock });
    }

    [Fact]
    public void ReadyWait_OfATimer_IsHowLateItWas()
    {
        var clock = new HandClock();
        Run(
            async loop =>
            {
                var fired = new TaskCompletionSource();
                loop.CallLater(Milliseconds(50), fired.SetResult);
                clock.Advance(80);
                await fired.Task;
                Assert.Equal(Milliseconds(30), loop.Metrics.ReadyWait.Max);
                Assert.Equal(1, loop.Metrics.Timers);
            },
            new EventLoopOptions { Clock = clock });
    }

    [Fact]
    public void ReadyWait_FromAnotherThread_CountsFromTheCall()
    {
        var clock = new HandClock();
        Run(
            async loop =>
            {
                var ran = new TaskCompletionSource();
                var thread = new Thread(() => loop.CallSoonThreadSafe(ran.SetResult));
                thread.Start();
                thread.Join();
                clock.Advance(70);
                await ran.Task;
                Assert.Equal(Milliseconds(70), loop.Metrics.ReadyWait.Max);
            },
            new EventLoopOptions { Clock = clock });
    }

    [Fact]
    public void ReadyWait_InALongBatch_LosesNoCall()
    {
        var clock = new HandClock();
        Run(
            async loop =>
            {
                await Turns(2);
                long before = loop.Metrics.ReadyWait.Count;
                for (int i = 0; i < 1000; i++)
                {
                    loop.CallSoon(() => clock.Advance(1));
                }
                await Turns(2);
                Assert.InRange(loop.Metrics.ReadyWait.Count - before, 1000, 1004);
                // Read for every sixteenth call: that much may be missing at the end.
                Assert.InRange(loop.Metrics.ReadyWait.Max, Milliseconds(980), Milliseconds(1000));
            },
            new EventLoopOptions { Clock = clock });
    }

    [Fact]
    public void AwakeAndAsleep_AreToldApart()
    {
        var clock = new HandClock();
        Run(
            async loop =>
            {
                await Turns(2);
                TimeSpan asleep = loop.Metrics.AsleepTime;
                TimeSpan awake = loop.Metrics.AwakeTime;
                await Task.Run(() =>
                {
                    Assert.True(SpinWait.SpinUntil(() => loop.Metrics.IsAsleep, TimeSpan.FromSeconds(30)));
                    clock.Advance(30);
                });
                Assert.Equal(Milliseconds(30), loop.Metrics.AsleepTime - asleep);
                clock.Advance(10);
                Assert.Equal(Milliseconds(10), loop.Metrics.AwakeTime - awake);
                Assert.InRange(loop.Metrics.Utilization, 0.24, 0.26);
            },
            new EventLoopOptions { Clock = clock });
    }

    [Fact]
    public void AsleepTime_ReadWhileTheLoopSleeps_Grows()
    {
        using EventLoop loop = EventLoop.Start();
        SpinWait.SpinUntil(() => loop.Metrics.IsAsleep, TimeSpan.FromSeconds(30));
        TimeSpan first = loop.Metrics.AsleepTime;
        Assert.True(SpinWait.SpinUntil(() => loop.Metrics.AsleepTime > first, TimeSpan.FromSeconds(30)));
        Assert.InRange(loop.Metrics.Utilization, 0, 1);
    }

    [Fact]
    public void Counters_CountWhatHappened() => Run(async loop =>
    {
        long callbacks = loop.Metrics.Callbacks;
        long iterations = loop.Metrics.Iterations;
        for (int i = 0; i < 10; i++)
        {
            loop.CallSoon(() => { });
        }
        await Turns(2);
        Assert.InRange(loop.Metrics.Callbacks - callbacks, 11, 13);
        Assert.InRange(loop.Metrics.Iterations - iterations, 2, 3);
    });

    [Fact]
    public void Meter_WithAListener_PublishesEveryLoopByName()
    {
        var seen = new Dictionary<string, double>();
        var units = new Dictionary<string, string?>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "ProtoServer")
            {
                units[instrument.Name] = instrument.Unit;
                self.EnableMeasurementEvents(instrument);
            }
        };
        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag is { Key: "protoserver.loop.name", Value: "measured" })
                {
                    lock (seen)
                    {
                        seen[instrument.Name] = value;
                    }
                }
            }
        }
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        Run(
            async loop =>
            {
                await loop.CreateTask(() => Task.Delay(Milliseconds(1), loop.TimeProvider));
                listener.RecordObservableInstruments();
            },
            new EventLoopOptions { Name = "measured" });
        string[] expected = ["iterations", "callbacks", "events", "timers", "slow_callbacks", "awake_time", "asleep_time", "utilization", "ready_wait", "tasks"];
        Assert.Equal(expected.Select(name => $"protoserver.loop.{name}").Order(), seen.Keys.Order());
        Assert.True(seen["protoserver.loop.callbacks"] > 0);
        Assert.Equal("s", units["protoserver.loop.awake_time"]);
        Assert.Equal("{callback}", units["protoserver.loop.callbacks"]);
        Assert.Equal("1", units["protoserver.loop.utilization"]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    [InlineData(123_456_789)]
    [InlineData(long.MaxValue)]
    public void Histogram_Quantile_IsWithinAQuarterAbove(long ticks)
    {
        var histogram = new DurationHistogram();
        histogram.Record(ticks);
        histogram.Record(ticks);
        histogram.Record(long.MaxValue);
        Assert.InRange((decimal)histogram.Quantile(0.5).Ticks, ticks, ticks + (ticks / 4m));
        Assert.Equal(TimeSpan.MaxValue, histogram.Quantile(1));
        Assert.Equal(3, histogram.Count);
    }

    [Fact]
    public void Histogram_Empty_IsZero() => Assert.Equal(TimeSpan.Zero, new DurationHistogram().Quantile(0.99));
}
