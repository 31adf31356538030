using System.Text;

namespace Benchmarks.Running;

/// <summary>Rows that become a Markdown table; all columns but the first are right-aligned numbers.</summary>
internal sealed class MarkdownTable(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        StringBuilder text = new();
        AppendRow(text, columns);
        AppendRow(text, [.. columns.Select((_, index) => index == 0 ? "---" : "---:")]);
        foreach (string[] row in _rows)
        {
            AppendRow(text, row);
        }

        return text.ToString();
    }

    private static void AppendRow(StringBuilder text, string[] cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
