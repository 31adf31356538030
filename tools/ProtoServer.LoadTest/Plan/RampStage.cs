namespace ProtoServer.LoadTest.Plan;

/// <summary>A stretch of the schedule, during which the rate moves in a straight line.</summary>
/// <param name="From">Sends per second at its beginning.</param>
/// <param name="To">Sends per second at its end.</param>
/// <param name="Duration">How long it takes; zero is a step.</param>
internal readonly record struct RampStage(double From, double To, TimeSpan Duration)
{
    /// <summary>Sends that fall into the stage.</summary>
    public double Count => (From + To) / 2 * Duration.TotalSeconds;

    /// <summary>Reads <c>100:10s,1000:30s</c>: to 100/s within 10 s, then to 1000/s within 30 s; <c>1000@30s</c> stays there for 30 s.</summary>
    public static bool TryParse(string text, out IReadOnlyList<RampStage> stages)
    {
        List<RampStage> list = [];
        stages = list;
        double current = 0;
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int split = part.IndexOfAny([':', '@']);
            if (split < 0 || !Quantity.TryParseRate(part[..split], out double rate) || !Quantity.TryParseDuration(part[(split + 1)..], out TimeSpan duration))
            {
                return false;
            }
            list.Add(new RampStage(part[split] == '@' ? rate : current, rate, duration));
            current = rate;
        }
        return list.Sum(stage => stage.Count) >= 1;
    }
}
