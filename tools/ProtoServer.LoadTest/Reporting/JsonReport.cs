using System.Text.Json;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>Reports as JSON: indented, camel case, every number's unit in its name.</summary>
internal static class JsonReport
{
    public static string Write(RunReport report) => JsonSerializer.Serialize(report, ReportContext.Default.RunReport) + "\n";

    /// <exception cref="InvalidDataException">The file holds no report.</exception>
    public static RunReport Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, ReportContext.Default.RunReport)
                ?? throw new InvalidDataException($"{path} holds no report.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is no report of this tool, write one with --json: {exception.Message}", exception);
        }
    }
}
