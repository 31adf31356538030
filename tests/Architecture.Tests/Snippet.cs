namespace Architecture.Tests;

/// <summary>A C# block of a document.</summary>
/// <param name="Document">Path of the document.</param>
/// <param name="Line">The line of its fence, from 1.</param>
/// <param name="Code">What is between the fences.</param>
/// <param name="NotCompiled">The reason given in <c>&lt;!-- not compiled: REASON --&gt;</c> on the line above the fence, or null.</param>
internal sealed record Snippet(string Document, int Line, string Code, string? NotCompiled)
{
    private const string Fence = "```";
    private const string Excuse = "<!-- not compiled:";

    /// <summary>The blocks fenced as <c>csharp</c> or <c>cs</c>, in order.</summary>
    public static IEnumerable<Snippet> In(string document, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        string previous = "";
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (!line.StartsWith(Fence, StringComparison.Ordinal))
            {
                previous = line.Length > 0 ? line : previous;
                continue;
            }

            int start = i;
            for (i++; i < lines.Length && !lines[i].TrimStart().StartsWith(Fence, StringComparison.Ordinal); i++)
            {
            }

            if (line[Fence.Length..].Trim() is "csharp" or "cs" or "c#")
            {
                string? reason = previous.StartsWith(Excuse, StringComparison.Ordinal) ? previous[Excuse.Length..].Replace("-->", "", StringComparison.Ordinal).Trim() : null;
                yield return new Snippet(document, start + 1, string.Join('\n', lines[(start + 1)..Math.Min(i, lines.Length)]), reason);
            }

            previous = "";
        }
    }
}
