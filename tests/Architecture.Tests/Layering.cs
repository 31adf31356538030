using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Architecture.Tests;

/// <summary>
/// Finds each use of a symbol that crosses rooms against the arrows. A room is a folder under src/ProtoServer, its files at the root being the room
/// <see cref="Contracts"/>. Symbols are resolved by the compiler, so a bare name without a <c>using</c> counts as well as a qualified one; documentation may link anywhere.
/// </summary>
internal sealed class Layering
{
    public const string Contracts = "contracts";
    private const string Source = "src/ProtoServer/";

    /// <summary>From each room, the rooms that it may use beside itself.</summary>
    public static IReadOnlyDictionary<string, string[]> Arrows { get; } = new Dictionary<string, string[]>
    {
        [Contracts] = ["Loop"], // ITransport.Loop
        ["Loop"] = [],
        ["Framing"] = [Contracts],
        ["Transports"] = ["Loop", Contracts],
        ["Tasks"] = ["Loop", Contracts],
        ["Serving"] = ["Transports", "Loop", Contracts],
        ["Streams"] = ["Serving", "Loop", Contracts], // Serving, and what its members take and return
    };

    // The loop and its tasks stand on the BCL and the logging contract: no connection abstraction reaches down to them.
    private static readonly string[] _aboveTheLoop = ["Microsoft.AspNetCore.", "Pipelines.Sockets.Unofficial"];

    private readonly CSharpCompilation _compilation;

    public Layering(IEnumerable<SourceText> sources) =>
        _compilation = Compilations.Of(sources, OutputKind.DynamicallyLinkedLibrary, withoutAssembly: "ProtoServer");

    /// <summary>Names that the compiler could not resolve: each might hide a violation. Generated members (LibraryImport) are not among them.</summary>
    public IEnumerable<string> Unresolved() => _compilation.GetDiagnostics()
        .Where(diagnostic => diagnostic.Id is "CS0246" or "CS0103" or "CS0234" or "CS1061" or "CS0117")
        .Select(diagnostic => diagnostic.ToString());

    public IEnumerable<string> Violations() => _compilation.SyntaxTrees.Where(tree => tree.FilePath.StartsWith(Source, StringComparison.Ordinal)).SelectMany(ViolationsIn).Distinct();

    public static string RoomOf(string path)
    {
        string[] parts = path[Source.Length..].Split('/');
        return parts.Length == 1 ? Contracts : parts[0];
    }

    private IEnumerable<string> ViolationsIn(SyntaxTree tree)
    {
        string room = RoomOf(tree.FilePath);
        if (!Arrows.TryGetValue(room, out string[]? allowed))
        {
            yield return $"{tree.FilePath}: the room '{room}' is not in the table of arrows";
            yield break;
        }

        SemanticModel model = _compilation.GetSemanticModel(tree);
        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            foreach (ISymbol symbol in UsedBy(node, model))
            {
                if (Offends(symbol, room, allowed) is { } target)
                {
                    int line = node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
                    yield return $"{tree.FilePath}:{line}: {room} -> {target} by '{symbol.ToDisplayString()}'";
                }
            }
        }
    }

    private static IEnumerable<ISymbol> UsedBy(SyntaxNode node, SemanticModel model)
    {
        switch (node)
        {
            case SimpleNameSyntax or BaseObjectCreationExpressionSyntax or ElementAccessExpressionSyntax or ConstructorInitializerSyntax
                or BinaryExpressionSyntax or PrefixUnaryExpressionSyntax or AssignmentExpressionSyntax or CollectionExpressionSyntax:
                SymbolInfo info = model.GetSymbolInfo(node);
                return info.Symbol is { } symbol ? [symbol] : info.CandidateSymbols;
            case CommonForEachStatementSyntax loop:
                ForEachStatementInfo each = model.GetForEachStatementInfo(loop);
                return new ISymbol?[] { each.GetEnumeratorMethod, each.CurrentProperty }.OfType<ISymbol>();
            case AwaitExpressionSyntax awaited:
                return model.GetAwaitExpressionInfo(awaited).GetAwaiterMethod is { } awaiter ? [awaiter] : [];
            default:
                return [];
        }
    }

    private static string? Offends(ISymbol symbol, string room, string[] allowed)
    {
        ISymbol used = symbol is IMethodSymbol { ReducedFrom: { } extension } ? extension : symbol;
        used = used.OriginalDefinition;
        if (used is INamespaceSymbol or ILocalSymbol or IParameterSymbol or ILabelSymbol or IRangeVariableSymbol or ITypeParameterSymbol)
        {
            return null;
        }

        string[] rooms = [.. DeclaringPaths(used).Where(path => path.StartsWith(Source, StringComparison.Ordinal)).Select(RoomOf).Distinct()];
        if (rooms.Length > 0)
        {
            return rooms.Any(home => home == room || allowed.Contains(home)) ? null : string.Join(" and ", rooms);
        }

        string? assembly = used.ContainingAssembly?.Name;
        return room is "Loop" or "Tasks" && assembly is not null && _aboveTheLoop.Any(prefix => assembly.StartsWith(prefix, StringComparison.Ordinal)) ? assembly : null;
    }

    // A type of several files lives where the file of its own name is: a chapter that another room adds does not move it there.
    private static IEnumerable<string> DeclaringPaths(ISymbol symbol)
    {
        string[] paths = [.. symbol.DeclaringSyntaxReferences.Select(reference => reference.SyntaxTree.FilePath)];
        if (paths.Length == 0 && symbol.ContainingType is { } container)
        {
            return DeclaringPaths(container); // an implicit member: the default constructor, a record's parts
        }

        string[] home = [.. paths.Where(path => Path.GetFileNameWithoutExtension(path) == symbol.Name)];
        return home.Length > 0 ? home : paths;
    }
}
