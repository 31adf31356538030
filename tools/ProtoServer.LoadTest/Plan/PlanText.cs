namespace ProtoServer.LoadTest.Plan;

/// <summary>A plan in words.</summary>
internal static class PlanText
{
    /// <summary>Whom, what, with how many.</summary>
    public static string Subject(LoadPlan plan)
    {
        string text = $"{plan.Scenario.ToString().ToLowerInvariant()} {plan.Target}: {plan.Content?.Description ?? "connections only"}; {Quantity.Count(plan.Connections)} connections on {plan.Threads} loop{(plan.Threads == 1 ? "" : "s")}";
        return plan.Pipeline > 1 ? text + $", up to {plan.Pipeline} requests in flight on each" : text;
    }

    /// <summary>The same, with the load and its length.</summary>
    public static string Describe(LoadPlan plan)
    {
        string load = plan.Content is null ? "held"
            : plan.Rate is { } rate ? $"open loop at {Quantity.Rate(rate)}"
            : plan.Ramp.Count > 0 ? "open loop along a ramp"
            : "closed loop";
        string length = plan.Requests is { } requests
            ? $"{Quantity.Count(requests)} requests{(plan.Duration is { } most ? $", at most {Quantity.Option(most)}" : "")}"
            : $"{(plan.Warmup > TimeSpan.Zero ? $"{Quantity.Option(plan.Warmup)} warm-up, " : "")}{Quantity.Option(plan.Duration!.Value)}";
        return $"{Subject(plan)}; {load}; {length}";
    }
}
