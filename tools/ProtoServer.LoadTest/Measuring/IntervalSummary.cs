namespace ProtoServer.LoadTest.Measuring;

/// <summary>One interval of a run in the numbers that are plotted and tabled.</summary>
internal sealed record IntervalSummary
{
    /// <summary>Seconds from the end of the warm-up to the interval's start; negative during the warm-up.</summary>
    public double StartSeconds { get; init; }

    public double LengthSeconds { get; init; }

    public bool Warmup { get; init; }

    public double SentPerSecond { get; init; }

    public double AnsweredPerSecond { get; init; }

    public double CorrectedP50Ms { get; init; }

    public double CorrectedP99Ms { get; init; }

    public double CorrectedP999Ms { get; init; }

    public double CorrectedMaxMs { get; init; }

    public double RawP50Ms { get; init; }

    public double RawP99Ms { get; init; }

    public long Wrong { get; init; }

    public long Lost { get; init; }

    public long OtherErrors { get; init; }

    public long NotSent { get; init; }

    public int OpenConnections { get; init; }

    /// <summary>Share of the busiest loop's time that its thread was running, 0 to 1.</summary>
    public double Busiest { get; init; }

    public static IntervalSummary Of(Sample sample, long measureStart)
    {
        double length = Math.Max(1e-3, (sample.End - sample.Start) / 1e9);
        Ledger ledger = new();
        ledger.Add(sample.Warmup);
        ledger.Add(sample.Measured);
        return new IntervalSummary
        {
            StartSeconds = Math.Round((sample.Start - measureStart) / 1e9, 3),
            LengthSeconds = Math.Round(length, 3),
            Warmup = sample.IsWarmup,
            SentPerSecond = Math.Round(ledger[Counter.Sent] / length, 1),
            AnsweredPerSecond = Math.Round(ledger.Answered / length, 1),
            CorrectedP50Ms = Latencies.Milliseconds(sample.Corrected, 50),
            CorrectedP99Ms = Latencies.Milliseconds(sample.Corrected, 99),
            CorrectedP999Ms = Latencies.Milliseconds(sample.Corrected, 99.9),
            CorrectedMaxMs = Latencies.Milliseconds(sample.Corrected, 100),
            RawP50Ms = Latencies.Milliseconds(sample.Raw, 50),
            RawP99Ms = Latencies.Milliseconds(sample.Raw, 99),
            Wrong = ledger[Counter.Wrong] + ledger[Counter.Stray],
            Lost = ledger.Lost,
            OtherErrors = ledger[Counter.ErrorReply] + ledger.ConnectionErrors,
            NotSent = ledger[Counter.NotSent],
            OpenConnections = sample.Open,
            Busiest = Math.Round(sample.Busiest, 3),
        };
    }
}
