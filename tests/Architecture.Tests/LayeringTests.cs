namespace Architecture.Tests;

public class LayeringTests
{
    private static readonly SourceText[] _library = [.. Repository.Files("src/ProtoServer", ".cs").Select(path => new SourceText(path, Repository.Read(path)))];

    [Fact]
    public void Library_AsItIs_FollowsTheArrows()
    {
        Layering layering = new(_library);
        Findings.None(layering.Unresolved());
        Findings.None(layering.Violations());
    }

    [Theory]
    [InlineData("Loop", "Transports", "class User { object Make() => new Planted(); }")]
    [InlineData("Loop", "Serving", "class User { object? Make() { var made = Planted.Shared; return made; } }")]
    [InlineData("Loop", "contracts", "class User { Planted? _field; }")]
    [InlineData("Framing", "Loop", "class User { void Call() => Planted.Work(); }")]
    [InlineData("Framing", "Serving", "class User : Planted;")]
    [InlineData("Transports", "Serving", "class User { List<Planted> _many = []; }")]
    [InlineData("Transports", "Framing", "class User { string Name => nameof(Planted); }")]
    [InlineData("Tasks", "Transports", "class User { bool Is(object o) => o is Planted; }")]
    [InlineData("Serving", "Streams", "class User { void Call(string text) => text.Extend(); }")]
    [InlineData("Serving", "Framing", "class User { Planted Make() => ProtoServer.Planted.Shared; }")]
    [InlineData("Streams", "Transports", "class User { Planted? _implicit = new(); }")]
    [InlineData("contracts", "Serving", "interface IUser { Planted Shown { get; } }")]
    public void Room_UsesAnotherAgainstTheArrows_IsFound(string from, string to, string use)
    {
        string[] violations = [.. new Layering([Declaration(to), In(from, "User.cs", use)]).Violations()];
        Assert.NotEmpty(violations);
        Assert.All(violations, violation => Assert.Contains($"{from} -> {to}", violation, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Transports", "Loop")]
    [InlineData("Serving", "Transports")]
    [InlineData("Serving", "contracts")]
    [InlineData("Framing", "contracts")]
    [InlineData("Streams", "Serving")]
    [InlineData("contracts", "Loop")]
    [InlineData("Loop", "Loop")]
    public void Room_UsesAnotherAlongAnArrow_IsAllowed(string from, string to) =>
        Assert.Empty(new Layering([Declaration(to), In(from, "User.cs", "class User { Planted _field = Planted.Shared; }")]).Violations());

    [Fact]
    public void Library_WithAnArrowPlanted_Fails()
    {
        SourceText planted = In("Loop", "Smuggler.cs", "class Smuggler { IProtocol? _upwards; }");
        string violation = Assert.Single(new Layering([.. _library, planted]).Violations());
        Assert.StartsWith("src/ProtoServer/Loop/Smuggler.cs:1: Loop -> contracts", violation, StringComparison.Ordinal);
    }

    [Fact]
    public void Loop_UsesConnectionAbstractions_IsFound()
    {
        SourceText source = In("Loop", "User.cs", "class User { Microsoft.AspNetCore.Connections.ConnectionContext? _connection; }");
        Assert.Contains("Loop -> Microsoft.AspNetCore.Connections.Abstractions", Assert.Single(new Layering([source]).Violations()), StringComparison.Ordinal);
    }

    [Fact]
    public void Room_WithoutArrows_IsFound() =>
        Assert.Contains("'Attic' is not in the table", Assert.Single(new Layering([In("Attic", "User.cs", "class User;")]).Violations()), StringComparison.Ordinal);

    [Fact]
    public void Chapter_InAnotherRoom_CountsByItsMemberAndLeavesTheTypeAtHome()
    {
        SourceText home = In("Loop", "Thing.cs", "partial class Thing { }");
        SourceText chapter = In("Serving", "Thing.Serving.cs", "partial class Thing { public void Serve() { } }");
        SourceText good = In("Transports", "Good.cs", "class Good { Thing? _thing; }");
        SourceText bad = In("Transports", "Bad.cs", "class Bad { void Call(Thing thing) => thing.Serve(); }");
        string violation = Assert.Single(new Layering([home, chapter, good, bad]).Violations());
        Assert.StartsWith("src/ProtoServer/Transports/Bad.cs:1: Transports -> Serving", violation, StringComparison.Ordinal);
    }

    private static SourceText Declaration(string room) => In(
        room,
        "Planted.cs",
        "class Planted { public static Planted Shared { get; } = new(); public static void Work() { } } static class Extensions { public static void Extend(this string text) { } }");

    private static SourceText In(string room, string file, string text) =>
        new(room == Layering.Contracts ? $"src/ProtoServer/{file}" : $"src/ProtoServer/{room}/{file}", $"namespace ProtoServer; {text}");
}
