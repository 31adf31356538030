using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Architecture.Tests;

/// <summary>
/// Compiles a document's blocks as its reader would use them. Each block must compile in one of these forms, and types that earlier blocks
/// of the same document declare are there for later ones:
/// a whole file (a program or types); members of a protocol class; statements of a method that has <c>loop</c>, <c>transport</c>, <c>connection</c>, <c>args</c>
/// and <c>cancellationToken</c>. Implicit usings and <c>using ProtoServer;</c> are given.
/// </summary>
internal sealed class SnippetCompiler
{
    private const string MoreUsings = "\nglobal using ProtoServer;";

    private static readonly string[] _frames =
    [
        "{0}{1}",
        "{0}partial class Fragment\n{{\nITransport transport = null!; EventLoop loop = null!;\n{1}\n}}",
        "{0}partial class Fragment\n{{\nstatic async Task RunAsync(EventLoop loop, ITransport transport, Microsoft.AspNetCore.Connections.ConnectionContext connection, string[] args, CancellationToken cancellationToken)\n{{\nawait Task.Yield();\n{1}\n}}\n}}",
    ];

    private readonly List<string> _declarations = [];

    /// <summary>The errors of the form that comes nearest; none when one form compiles.</summary>
    public IReadOnlyList<string> Errors(string code)
    {
        string[]? fewest = null;
        foreach (string frame in _frames)
        {
            (string usings, string body) = frame == _frames[0] ? ("", code) : SplitUsings(code);
            string framed = string.Format(System.Globalization.CultureInfo.InvariantCulture, frame, usings, body);
            string[] errors = Compile(framed);
            if (errors.Length == 0)
            {
                if (TypesOf(code) is { Length: > 0 } types)
                {
                    _declarations.Add(types);
                }

                return [];
            }

            fewest = fewest is null || errors.Length < fewest.Length ? errors : fewest;
        }

        return fewest!;
    }

    private string[] Compile(string text)
    {
        bool isProgram = CSharpSyntaxTree.ParseText(text).GetCompilationUnitRoot().Members.OfType<GlobalStatementSyntax>().Any();
        OutputKind kind = isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        string[] alone = ErrorsOf([new SourceText("Snippet.cs", text)], kind);
        return alone.Length == 0 || _declarations.Count == 0 ? alone : ErrorsOf(WithEarlier(text), kind);
    }

    // An earlier block's type that this block declares anew gives way.
    private IEnumerable<SourceText> WithEarlier(string text)
    {
        HashSet<string> declared = [.. Declared(text)];
        for (int i = _declarations.Count - 1; i >= 0; i--)
        {
            CompilationUnitSyntax unit = CSharpSyntaxTree.ParseText(_declarations[i]).GetCompilationUnitRoot();
            MemberDeclarationSyntax[] kept = [.. unit.Members.Where(member => Declared(member.ToFullString()).All(declared.Add))];
            yield return new SourceText($"Earlier{i}.cs", unit.WithMembers([.. kept]).ToFullString());
        }

        yield return new SourceText("Snippet.cs", text);
    }

    private static string[] ErrorsOf(IEnumerable<SourceText> sources, OutputKind kind) =>
    [
        .. Compilations.Of(sources, kind, moreUsings: MoreUsings).GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => $"{diagnostic.Id} {diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture)}"),
    ];

    private static IEnumerable<string> Declared(string text) =>
        CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodesAndSelf().OfType<BaseTypeDeclarationSyntax>().Select(type => type.Identifier.Text);

    private static string TypesOf(string code)
    {
        CompilationUnitSyntax unit = CSharpSyntaxTree.ParseText(code).GetCompilationUnitRoot();
        MemberDeclarationSyntax[] types = [.. unit.Members.Where(member => member is BaseTypeDeclarationSyntax or BaseNamespaceDeclarationSyntax or DelegateDeclarationSyntax)];
        return types.Length == 0 ? "" : unit.WithMembers([.. types]).ToFullString();
    }

    private static (string Usings, string Body) SplitUsings(string code)
    {
        string[] lines = code.Split('\n');
        int body = Array.FindIndex(lines, line => line.Trim().Length > 0 && !line.StartsWith("using ", StringComparison.Ordinal));
        bool hasDirectives = body > 0 && lines.Take(body).All(line => line.Trim().Length == 0 || (!line.Contains('=') && !line.Contains('(')));
        return hasDirectives ? (string.Join('\n', lines.Take(body)) + "\n", string.Join('\n', lines.Skip(body))) : ("", code);
    }
}
