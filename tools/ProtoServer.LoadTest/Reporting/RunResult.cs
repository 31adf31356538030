using HdrHistogram;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>A report and the histograms behind it.</summary>
internal sealed record RunResult(RunReport Report, LongHistogram Corrected, LongHistogram Raw);
