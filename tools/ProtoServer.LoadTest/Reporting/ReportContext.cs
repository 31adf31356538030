using System.Text.Json.Serialization;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>How reports become JSON, settled at compile time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RunReport))]
internal sealed partial class ReportContext : JsonSerializerContext;
