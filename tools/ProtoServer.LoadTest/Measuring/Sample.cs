using HdrHistogram;

namespace ProtoServer.LoadTest.Measuring;

/// <summary>What happened within one interval: on one loop, or, merged, on all.</summary>
/// <remarks>Filled by its loop, then handed over whole; no two threads ever hold it at once.</remarks>
internal sealed class Sample
{
    /// <summary>Its place in the row of intervals, the same on all loops.</summary>
    public int Index { get; set; }

    /// <summary>Whether the interval lies before the measurement.</summary>
    public bool IsWarmup { get; set; }

    /// <summary>Nanoseconds of <see cref="Clock"/>.</summary>
    public long Start { get; set; }

    public long End { get; set; }

    /// <summary>Requests that were due during the warm-up, whenever they were answered.</summary>
    public Ledger Warmup { get; } = new();

    /// <summary>Requests that were due in the measured time.</summary>
    public Ledger Measured { get; } = new();

    /// <summary>From the intended send time to the reply, or to the moment at which the request was given up.</summary>
    public LongHistogram Corrected { get; } = Latencies.NewHistogram();

    /// <summary>From the real send time to the reply.</summary>
    public LongHistogram Raw { get; } = Latencies.NewHistogram();

    /// <summary>How late the loop itself was with scheduled sends.</summary>
    public LongHistogram Lag { get; } = Latencies.NewHistogram();

    /// <summary>How long connects took.</summary>
    public LongHistogram Connect { get; } = Latencies.NewHistogram();

    /// <summary>Connections open at the end of the interval.</summary>
    public int Open { get; set; }

    /// <summary>Nanoseconds of processor time of the loop's thread; merged, the sum.</summary>
    public long Cpu { get; set; }

    /// <summary>Nanoseconds of processor time of the whole process, told by the first loop only; merged, the sum.</summary>
    public long ProcessCpu { get; set; }

    /// <summary>The largest share of its time that a loop's thread was running; from 0 to 1.</summary>
    public double Busiest { get; set; }

    /// <summary>When the first reply of the interval came; 0 without one.</summary>
    public long FirstReply { get; set; }

    /// <summary>When the last reply of the interval came; 0 without one.</summary>
    public long LastReply { get; set; }

    public void Merge(Sample other)
    {
        Warmup.Add(other.Warmup);
        Measured.Add(other.Measured);
        Corrected.Add(other.Corrected);
        Raw.Add(other.Raw);
        Lag.Add(other.Lag);
        Connect.Add(other.Connect);
        Open += other.Open;
        Cpu += other.Cpu;
        ProcessCpu += other.ProcessCpu;
        Busiest = Math.Max(Busiest, other.Busiest);
        FirstReply = FirstReply == 0 ? other.FirstReply : other.FirstReply == 0 ? FirstReply : Math.Min(FirstReply, other.FirstReply);
        LastReply = Math.Max(LastReply, other.LastReply);
        End = Math.Max(End, other.End);
    }

    public void Clear()
    {
        Warmup.Clear();
        Measured.Clear();
        Corrected.Reset();
        Raw.Reset();
        Lag.Reset();
        Connect.Reset();
        Open = 0;
        Cpu = 0;
        ProcessCpu = 0;
        Busiest = 0;
        FirstReply = 0;
        LastReply = 0;
    }
}
