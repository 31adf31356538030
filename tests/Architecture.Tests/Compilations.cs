using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Architecture.Tests;

/// <summary>Roslyn compilations against what this test process was built with: the runtime, ASP.NET Core's abstractions and src's assemblies.</summary>
internal static class Compilations
{
    // The SDK generates the same file for every project (ImplicitUsings).
    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions _options = new(LanguageVersion.Latest, DocumentationMode.None, preprocessorSymbols: ["DEBUG", "TRACE", "NET", "NET10_0", "NET10_0_OR_GREATER"]);

    // Without this assembly: its namespace would hide System.Runtime.InteropServices.Architecture.
    private static readonly MetadataReference[] _references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => path != typeof(Compilations).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Compiles sources; <paramref name="withoutAssembly"/> keeps one reference out, for when the sources are that assembly's own.</summary>
    public static CSharpCompilation Of(IEnumerable<SourceText> sources, OutputKind kind, string? withoutAssembly = null, string? moreUsings = null) =>
        CSharpCompilation.Create(
            "Compiled",
            [.. sources.Append(new SourceText("ImplicitUsings.cs", ImplicitUsings + moreUsings)).Select(source => CSharpSyntaxTree.ParseText(source.Text, _options, source.Path))],
            _references.Where(reference => withoutAssembly is null || Path.GetFileNameWithoutExtension(reference.Display) != withoutAssembly),
            new CSharpCompilationOptions(kind, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: true));
}
