namespace ProtoServer.LoadTest.Reporting;

/// <summary>One point of a distribution: <paramref name="Percentile"/> percent lie at or below <paramref name="Ms"/>.</summary>
internal readonly record struct SpectrumPoint(double Percentile, double Ms);
