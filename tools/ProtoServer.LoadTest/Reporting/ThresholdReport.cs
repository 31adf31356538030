namespace ProtoServer.LoadTest.Reporting;

/// <summary>A condition of <c>--fail-if</c> and what came of it.</summary>
/// <param name="Condition">As typed.</param>
/// <param name="Actual">The figure, with its unit.</param>
/// <param name="Broken">Whether the condition held, so that the run failed.</param>
internal sealed record ThresholdReport(string Condition, string Actual, bool Broken);
