namespace ProtoServer.LoadTest.Reporting;

/// <summary>Where the load generator ran.</summary>
internal sealed record MachineReport(string OperatingSystem, string Architecture, int Processors, string Runtime);
