using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Architecture.Tests;

/// <summary>The rules of CONTRIBUTING.md that can be read off the text.</summary>
public partial class SourceRuleTests
{
    private const int LongFileLines = 400;

    // Each with its reason: an entry is an exception that was argued for, not a place to park.
    private static readonly string[] _longFiles = [];

    private static readonly string[] _emptyNames = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities", "Wrapper", "Impl", "Base"];

    private static readonly Dictionary<string, CompilationUnitSyntax> _sources = Repository.Files("src", ".cs").Concat(Repository.Files("tools", ".cs"))
        .ToDictionary(path => path, path => CSharpSyntaxTree.ParseText(Repository.Read(path)).GetCompilationUnitRoot());

    [Fact]
    public void File_Long_IsNamedWithItsReason() =>
        Findings.None(LongFiles().Except(_longFiles));

    [Fact]
    public void File_NamedAsLong_IsLong() => Findings.None(_longFiles.Except(LongFiles()));

    [Fact]
    public void Option_EveryPublicProperty_StatesItsDefault()
    {
        IEnumerable<string> silent =
            from source in _sources
            where source.Key.StartsWith("src/ProtoServer", StringComparison.Ordinal)
            from type in source.Value.DescendantNodes().OfType<TypeDeclarationSyntax>()
            where type.Identifier.Text.EndsWith("Options", StringComparison.Ordinal) && type.Modifiers.Any(SyntaxKind.PublicKeyword)
            from property in type.Members.OfType<PropertyDeclarationSyntax>()
            where property.Modifiers.Any(SyntaxKind.PublicKeyword) && !StatesDefault(property.GetLeadingTrivia().ToFullString())
            select $"{source.Key}: {type.Identifier.Text}.{property.Identifier.Text}";
        Findings.None(silent);
    }

    [Theory]
    [InlineData("/// <summary>How long a drain may take. Default 10 s.</summary>", true)]
    [InlineData("/// <summary>The name.</summary>\n/// <remarks>Default: the loop's number.</remarks>", true)]
    [InlineData("/// <summary>How long a drain may take.</summary>", false)]
    [InlineData("// Default 10 s", false)]
    [InlineData("", false)]
    public void Option_Documentation_CountsOnlyWithTheWordDefault(string documentation, bool states) => Assert.Equal(states, StatesDefault(documentation));

    [Fact]
    public void Type_Name_SaysWhatItIs()
    {
        IEnumerable<string> vague =
            from source in _sources
            from type in source.Value.DescendantNodes().OfType<BaseTypeDeclarationSyntax>()
            where _emptyNames.Any(word => type.Identifier.Text.EndsWith(word, StringComparison.Ordinal))
            select $"{source.Key}: {type.Identifier.Text}";
        Findings.None(vague);
    }

    [Fact]
    public void File_Name_IsThatOfItsType()
    {
        IEnumerable<string> misplaced =
            from source in _sources
            let types = source.Value.Members.OfType<BaseNamespaceDeclarationSyntax>().SelectMany(space => space.Members).ToArray()
            where types.Length > 0 && !types.Any(type => NameOf(type) == Path.GetFileName(source.Key).Split('.', '{')[0])
            select source.Key;
        Findings.None(misplaced);
    }

    [Fact]
    public void Text_RegionsAndPostponedWork_AreAbsent() =>
        Findings.None(_sources.Where(source => PostponedWork().IsMatch(source.Value.ToFullString())).Select(source => source.Key));

    private static IEnumerable<string> LongFiles() => _sources.Keys.Where(path => Repository.Read(path).Count(letter => letter == '\n') > LongFileLines);

    private static bool StatesDefault(string documentation) =>
        documentation.Split('\n').Any(line => line.TrimStart().StartsWith("///", StringComparison.Ordinal) && line.Contains("Default", StringComparison.Ordinal));

    private static string? NameOf(MemberDeclarationSyntax member) => member switch
    {
        BaseTypeDeclarationSyntax type => type.Identifier.Text,
        DelegateDeclarationSyntax type => type.Identifier.Text,
        _ => null,
    };

    [GeneratedRegex(@"#region|\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex PostponedWork();
}
