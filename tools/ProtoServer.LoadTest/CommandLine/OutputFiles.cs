using ProtoServer.LoadTest.Reporting;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>The files of a session, opened before the load so that a bad path costs no run.</summary>
internal sealed class OutputFiles : IDisposable
{
    private readonly List<(StreamWriter Writer, Func<RunResult, string> Text)> _files = [];
    private readonly List<string> _paths = [];

    private OutputFiles()
    {
    }

    public IReadOnlyList<string> Paths => _paths;

    public static OutputFiles Open(OutputPlan output)
    {
        var files = new OutputFiles();
        try
        {
            files.Add(output.Json, result => JsonReport.Write(result.Report));
            files.Add(output.Csv, result => CsvReport.Write(result.Report));
            files.Add(output.Html, result => HtmlReport.Write(result.Report));
            files.Add(output.Hgrm, result => HgrmReport.Write(result.Corrected));
            files.Add(output.Hgrm is null ? null : HgrmReport.RawPath(output.Hgrm), result => HgrmReport.Write(result.Raw));
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public void Write(RunResult result)
    {
        foreach ((StreamWriter writer, Func<RunResult, string> text) in _files)
        {
            writer.Write(text(result));
            writer.Flush();
        }
    }

    public void Dispose()
    {
        foreach ((StreamWriter writer, _) in _files)
        {
            writer.Dispose();
        }
    }

    private void Add(string? path, Func<RunResult, string> text)
    {
        if (path is not null)
        {
            _files.Add((new StreamWriter(path), text));
            _paths.Add(path);
        }
    }
}
