namespace ProtoServer.Tests;

/// <summary>L: what is called, when, and in which order. Single iterations are driven by a stop that comes before the run.</summary>
public sealed class SchedulingTests : IDisposable
{
    private readonly EventLoop _loop = new();
    private readonly List<string> _ran = [];

    public void Dispose() => _loop.Dispose();

    private void RunOneIteration()
    {
        _loop.Stop();
        _loop.RunForever();
    }

    [Fact, Trait("Conformance", "L1")]
    public void CallSoon_Several_RunInOrderOnceAndNoneInline()
    {
        for (int i = 0; i < 100; i++)
        {
            _loop.CallSoon(n => _ran.Add($"{n}"), i);
        }
        Assert.Empty(_ran);
        RunOneIteration();
        RunOneIteration();
        Assert.Equal(Enumerable.Range(0, 100).Select(static n => $"{n}"), _ran);
    }

    [Fact, Trait("Conformance", "L2")]
    public void CallSoon_FromACallback_RunsInTheNextIteration()
    {
        _loop.CallSoon(() =>
        {
            _ran.Add("first");
            _loop.CallSoon(() => _ran.Add("later"));
        });
        _loop.CallSoon(() => _ran.Add("second"));
        RunOneIteration();
        Assert.Equal(["first", "second"], _ran);
        RunOneIteration();
        Assert.Equal(["first", "second", "later"], _ran);
    }

    [Fact, Trait("Conformance", "L3")]
    public void Stop_InACallback_FinishesTheBatchAndLeavesWhatIsScheduledMeanwhile()
    {
        _loop.CallSoon(() =>
        {
            _loop.Stop();
            _loop.CallSoon(() => _ran.Add("next run"));
        });
        _loop.CallSoon(() => _ran.Add("same batch"));
        _loop.RunForever();
        Assert.Equal(["same batch"], _ran);
        RunOneIteration();
        Assert.Equal(["same batch", "next run"], _ran);
    }

    [Fact, Trait("Conformance", "L4")]
    public void Stop_BeforeTheRun_MakesExactlyOneIterationThatDoesNotWait()
    {
        _loop.CallLater(TimeSpan.FromHours(1), () => _ran.Add("timer"));
        long before = _loop.Iterations;
        RunOneIteration();
        Assert.Equal(1, _loop.Iterations - before);
        Assert.Empty(_ran);
    }

    [Fact, Trait("Conformance", "L12")]
    public void Cancel_BeforeTheCall_ItNeverRunsAndAgainIsHarmless()
    {
        CallHandle handle = _loop.CallSoon(() => _ran.Add("never"));
        CallHandle timer = _loop.CallLater(TimeSpan.Zero, () => _ran.Add("never"));
        handle.Cancel();
        handle.Cancel();
        timer.Cancel();
        timer.Cancel();
        Assert.True(handle.IsCancelled);
        RunOneIteration();
        RunOneIteration();
        handle.Cancel();
        Assert.Empty(_ran);
    }

    [Fact, Trait("Conformance", "L12")]
    public void Cancel_FromInsideItsOwnCallback_IsHarmless()
    {
        CallHandle? handle = null;
        CallHandle? timer = null;
        handle = _loop.CallSoon(() => handle!.Cancel());
        timer = _loop.CallLater(TimeSpan.Zero, () =>
        {
            timer!.Cancel();
            _ran.Add("timer");
        });
        RunOneIteration();
        RunOneIteration();
        Assert.False(handle.IsCancelled);
        Assert.Equal(["timer"], _ran);
        Assert.Equal(0, _loop.TimerCount);
    }

    [Fact, Trait("Conformance", "L12")]
    public void Cancel_TimerThatIsDueInThisIteration_ItDoesNotRun()
    {
        CallHandle? victim = null;
        _loop.CallAt(TimeSpan.Zero, () => victim!.Cancel());
        victim = _loop.CallAt(TimeSpan.Zero, () => _ran.Add("never"));
        RunOneIteration();
        RunOneIteration();
        Assert.Empty(_ran);
    }

    [Fact, Trait("Conformance", "L12"), Trait("Conformance", "L29")]
    public void Handle_CancelledOrRun_ReleasesItsState()
    {
        (WeakReference cancelled, CallHandle first) = Schedule(timer: false);
        (WeakReference cancelledTimer, CallHandle second) = Schedule(timer: true);
        (WeakReference ran, CallHandle third) = Schedule(timer: false);
        first.Cancel();
        second.Cancel();
        RunOneIteration();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(cancelled.IsAlive);
        Assert.False(cancelledTimer.IsAlive);
        Assert.False(ran.IsAlive);
        GC.KeepAlive((first, second, third));

        (WeakReference, CallHandle) Schedule(bool timer)
        {
            object state = new();
            return (new WeakReference(state), timer ? _loop.CallLater(TimeSpan.FromHours(1), static _ => { }, state) : _loop.CallSoon(static _ => { }, state));
        }
    }

    [Fact, Trait("Conformance", "L13")]
    public void CallLater_SeveralDeadlines_RunInTheirOrderAndNeverEarly()
    {
        TimeSpan[] delays = [TimeSpan.FromMilliseconds(6), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(3), TimeSpan.FromMicroseconds(50)];
        TimeSpan earliest = TimeSpan.MaxValue;
        foreach (TimeSpan delay in delays)
        {
            TimeSpan due = _loop.Time + delay;
            _loop.CallLater(delay, () =>
            {
                _ran.Add($"{delay.TotalMilliseconds}");
                TimeSpan late = _loop.Time - due;
                earliest = late < earliest ? late : earliest;
                if (_ran.Count == delays.Length)
                {
                    _loop.Stop();
                }
            });
        }
        _loop.RunForever();
        Assert.Equal(["0.05", "1", "3", "6"], _ran);
        Assert.True(earliest >= TimeSpan.Zero, $"a timer fired {-earliest} early");
    }

    [Fact, Trait("Conformance", "L13")]
    public void CallLater_ZeroOrNegative_RunsInTheNextIterationMoreNegativeFirst()
    {
        _loop.CallLater(TimeSpan.Zero, () => _ran.Add("0"));
        _loop.CallLater(TimeSpan.FromSeconds(-1), () => _ran.Add("-1"));
        _loop.CallLater(TimeSpan.FromSeconds(-2), () => _ran.Add("-2"));
        Assert.Empty(_ran);
        RunOneIteration();
        Assert.Equal(["-2", "-1", "0"], _ran);
    }

    [Fact, Trait("Conformance", "L13")]
    public void CallLater_BeyondTheEndOfTime_NeverComes()
    {
        CallHandle handle = _loop.CallLater(TimeSpan.MaxValue, () => _ran.Add("never"));
        RunOneIteration();
        handle.Cancel();
        Assert.Empty(_ran);
    }

    [Fact, Trait("Conformance", "L14")]
    public void CallAt_EqualDeadlines_RunInTheOrderInWhichTheyWereSet()
    {
        TimeSpan when = _loop.Time;
        for (int i = 0; i < 200; i++)
        {
            _loop.CallAt(when, n => _ran.Add($"{n}"), i);
        }
        RunOneIteration();
        Assert.Equal(Enumerable.Range(0, 200).Select(static n => $"{n}"), _ran);
    }

    [Fact, Trait("Conformance", "L15")]
    public void Timers_200000ScheduledAndCancelled_DoNotPileUp()
    {
        CallHandle kept = _loop.CallLater(TimeSpan.FromHours(1), () => _ran.Add("kept"));
        int most = 0;
        for (int i = 0; i < 200_000; i++)
        {
            _loop.CallLater(TimeSpan.FromHours(2), static () => { }).Cancel();
            most = Math.Max(most, _loop.TimerCount);
        }
        Assert.InRange(most, 1, 500);
        Assert.False(kept.IsCancelled);
    }

    [Fact, Trait("Conformance", "L15")]
    public void Timers_MostCancelledInRandomOrder_TheRestStillRunInOrder()
    {
        var random = new Random(1);
        var live = new List<int>();
        var handles = new List<(int Due, CallHandle Handle)>();
        TimeSpan begin = _loop.Time;
        for (int i = 0; i < 2000; i++)
        {
            int due = random.Next(1000);
            handles.Add((due, _loop.CallAt(begin + TimeSpan.FromMicroseconds(due), n => _ran.Add($"{n:D4}"), due)));
        }
        foreach ((int due, CallHandle handle) in handles)
        {
            if (random.Next(10) > 0)
            {
                handle.Cancel();
            }
            else
            {
                live.Add(due);
            }
        }
        _loop.CallAt(begin + TimeSpan.FromMicroseconds(1001), _loop.Stop);
        _loop.RunForever();
        Assert.Equal(live.Order().Select(static n => $"{n:D4}"), _ran);
    }

    [Fact, Trait("Conformance", "L17")]
    public void Poll_CancelledTimerAtTheHead_DoesNotWake()
    {
        _loop.CallLater(TimeSpan.FromMilliseconds(1), static () => { }).Cancel();
        _loop.CallLater(TimeSpan.FromMilliseconds(20), _loop.Stop);
        long before = _loop.Iterations;
        _loop.RunForever();
        Assert.InRange(_loop.Iterations - before, 1, 3);
    }

    [Fact, Trait("Conformance", "L17")]
    public void Poll_FiveSleepsBelowAMillisecond_TakeFewIterations()
    {
        int left = 5;
        void Again()
        {
            if (--left == 0)
            {
                _loop.Stop();
            }
            else
            {
                _loop.CallLater(TimeSpan.FromMicroseconds(300), Again);
            }
        }
        _loop.CallLater(TimeSpan.FromMicroseconds(300), Again);
        long before = _loop.Iterations;
        _loop.RunForever();
        Assert.InRange(_loop.Iterations - before, 5, 20);
    }

    [Fact, Trait("Conformance", "L18")]
    public void Time_InsideALongCallback_AdvancesAndIsTheClockOfCallAt()
    {
        _loop.CallSoon(() =>
        {
            TimeSpan begin = _loop.Time;
            SpinWait.SpinUntil(() => _loop.Time > begin + TimeSpan.FromMilliseconds(1), Deadlines.Default);
            Assert.True(_loop.Time > begin);
            _loop.CallAt(_loop.Time, _loop.Stop);
        });
        _loop.RunForever();
    }

    [Fact, Trait("Conformance", "L28")]
    public void ToString_NamesTheCallbackAndItsState()
    {
        CallHandle handle = _loop.CallSoon(NamedCallback);
        Assert.Equal($"<CallHandle {nameof(SchedulingTests)}.{nameof(NamedCallback)}>", handle.ToString());
        Assert.Null(handle.CreationStack);
        handle.Cancel();
        Assert.Contains("cancelled", handle.ToString(), StringComparison.Ordinal);
        _loop.Debug = true;
        CallHandle inDebug = _loop.CallSoon(NamedCallback);
        Assert.Contains(nameof(ToString_NamesTheCallbackAndItsState), inDebug.CreationStack!.ToString(), StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L30")]
    public void RunForever_OneIterationAtATime_HostMayPump()
    {
        int turns = 0;
        void Again()
        {
            if (++turns < 10)
            {
                _loop.CallSoon(Again);
            }
        }
        _loop.CallSoon(Again);
        for (int i = 0; i < 10; i++)
        {
            RunOneIteration();
        }
        Assert.Equal(10, turns);
    }

    private static void NamedCallback()
    {
    }
}
