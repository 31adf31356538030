using System.Text;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>The links and headings of a document, code left out.</summary>
internal static partial class Markdown
{
    /// <summary>Targets of inline links, images and reference definitions, in order.</summary>
    public static IEnumerable<string> Links(string text)
    {
        string prose = Code().Replace(text, "");
        return Inline().Matches(prose).Concat(Definition().Matches(prose)).Select(match => match.Groups[1].Value);
    }

    /// <summary>The anchors that GitHub gives to the headings.</summary>
    public static IReadOnlySet<string> Anchors(string text)
    {
        HashSet<string> anchors = [];
        foreach (Match heading in Heading().Matches(Fenced().Replace(text, "")))
        {
            string slug = Slug(heading.Groups[1].Value.Trim());
            string anchor = slug;
            for (int again = 1; !anchors.Add(anchor); again++)
            {
                anchor = $"{slug}-{again}";
            }
        }

        return anchors;
    }

    private static string Slug(string heading)
    {
        string words = Inline().Replace(heading, match => match.Value[(match.Value.IndexOf('[') + 1)..match.Value.IndexOf(']')]);
        StringBuilder slug = new();
        foreach (char letter in words)
        {
            if (char.IsLetterOrDigit(letter) || letter is '-' or '_')
            {
                slug.Append(char.ToLowerInvariant(letter));
            }
            else if (letter == ' ')
            {
                slug.Append('-');
            }
        }

        return slug.ToString();
    }

    [GeneratedRegex(@"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+""[^""]*"")?\)")]
    private static partial Regex Inline();

    [GeneratedRegex(@"^\s{0,3}\[[^\]]+\]:\s*(\S+)", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^#{1,6}\s+(.+?)\s*#*$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\s*```.*?^\s*```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();

    [GeneratedRegex(@"^\s*```.*?^\s*```|`[^`\n]*`", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();
}
