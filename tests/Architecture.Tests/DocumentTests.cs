namespace Architecture.Tests;

/// <summary>Documents are tests: their code compiles, their links lead somewhere. A document that does not exist yet has nothing to be wrong about.</summary>
public class DocumentTests
{
    private const int ReadmeLines = 150;

    public static TheoryData<string> Documents => [.. Repository.Files("", ".md")];

    public static TheoryData<string> DocumentsWithCode =>
    [
        .. Repository.Files("docs/guide", ".md").Concat(Repository.Files("src", ".md")).Append("README.md").Where(Repository.Exists),
    ];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(DocumentsWithCode))]
    public void Document_EveryCSharpBlock_Compiles(string document)
    {
        SnippetCompiler compiler = new();
        List<string> failures = [];
        foreach (Snippet snippet in Snippet.In(document, Repository.Read(document)))
        {
            if (snippet.NotCompiled is null)
            {
                failures.AddRange(compiler.Errors(snippet.Code).Select(error => $"{document}:{snippet.Line}: {error}"));
            }
            else if (snippet.NotCompiled.Length == 0)
            {
                failures.Add($"{document}:{snippet.Line}: say why: <!-- not compiled: REASON -->");
            }
        }

        Findings.None(failures);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Documents))]
    public void Document_EveryRelativeLink_LeadsSomewhere(string document) => Findings.None(BrokenLinks(document, Repository.Read(document)));

    [Fact]
    public void Readme_Length_IsReadInOneSitting()
    {
        if (Repository.Exists("README.md"))
        {
            Assert.InRange(Repository.Read("README.md").Count(letter => letter == '\n'), 1, ReadmeLines);
        }
    }

    [Theory]
    [InlineData("[a](ProtoServer.sln) and [b](https://example.org/nothing)", 0)]
    [InlineData("[a](src/nothing.cs)", 1)]
    [InlineData("![a](nothing.png)\n[ref]: also/nothing.md", 2)]
    [InlineData("# One heading\n[a](#one-heading)", 0)]
    [InlineData("# One heading\n[a](#another)", 1)]
    [InlineData("`[a](nothing)`\n\n```\n[b](nothing)\n```\n", 0)]
    [InlineData("[out](../../../../../../etc/hostname)", 1)]
    public void Link_Planted_IsJudged(string text, int broken) => Assert.Equal(broken, BrokenLinks("PLANTED.md", text).Count());

    [Theory]
    [InlineData("EventLoop loop = EventLoop.Start();\nloop.CallSoonThreadSafe(() => Console.WriteLine(1));", true)]
    [InlineData("loop.CallSoonThreadSafe(() => transport.Close());", true)]
    [InlineData("using System.Net;\nIPAddress? address = null;\nloop.CallSoonThreadSafe(() => transport.Close());", true)]
    [InlineData("public void ConnectionLost(Exception? exception) => transport.Abort();", true)]
    [InlineData("sealed class Echo : IProtocol { public void ConnectionMade(ITransport transport) { } public void DataReceived(ReadOnlySpan<byte> data) { } public void ConnectionLost(Exception? exception) { } }", true)]
    [InlineData("loop.CallSooner(() => { });", false)]
    [InlineData("sealed class Echo : IProtocol { }", false)]
    [InlineData("this is prose", false)]
    public void Snippet_Planted_IsJudged(string code, bool compiles) => Assert.Equal(compiles, new SnippetCompiler().Errors(code).Count == 0);

    [Fact]
    public void Snippet_UsesTheTypeOfAnEarlierBlock_Compiles()
    {
        SnippetCompiler compiler = new();
        Assert.NotEmpty(compiler.Errors("Greeter greeter = new();"));
        Assert.Empty(compiler.Errors("sealed class Greeter { public string Word => \"hello\"; }"));
        Assert.Empty(compiler.Errors("Greeter greeter = new();"));
        Assert.Empty(compiler.Errors("sealed class Greeter { public int Count => 1; }"));
    }

    [Fact]
    public void Snippets_OfADocument_AreFoundWithTheirExcuse()
    {
        Snippet[] snippets = [.. Snippet.In("A.md", "text\n```csharp\nfirst\n```\n```sh\nno\n```\n<!-- not compiled: shows Kestrel 2 -->\n\n```cs\nsecond\n```\n")];
        Assert.Equal([(2, "first", null), (10, "second", "shows Kestrel 2")], snippets.Select(snippet => (snippet.Line, snippet.Code, snippet.NotCompiled)));
    }

    private static IEnumerable<string> BrokenLinks(string document, string text)
    {
        foreach (string link in Markdown.Links(text).Where(link => !link.Contains("://", StringComparison.Ordinal) && !link.StartsWith("mailto:", StringComparison.Ordinal)))
        {
            string[] parts = Uri.UnescapeDataString(link).Split('#', 2);
            string target = parts[0].Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, parts[0]);
            string full = Path.GetFullPath(Path.Combine(Repository.Root, target));
            bool isOutside = !full.StartsWith(Repository.Root, StringComparison.Ordinal);
            if (isOutside || (parts[0].Length > 0 && !Path.Exists(full)))
            {
                yield return $"{document}: '{link}' leads to no file of the repository";
            }
            else if (parts.Length == 2 && target.EndsWith(".md", StringComparison.Ordinal)
                && !Markdown.Anchors(parts[0].Length == 0 ? text : File.ReadAllText(full)).Contains(parts[1]))
            {
                yield return $"{document}: '{link}' leads to no heading of that document";
            }
        }
    }
}
