namespace ProtoServer.SpecVectors;

/// <summary>One connection of protocol-spec.md: its steps, and the options of the server that it runs against.</summary>
public sealed record SpecVector(string Sample, string Name, int LineNumber, IReadOnlyList<string> Arguments, IReadOnlyList<SpecStep> Steps)
{
    public override string ToString() => $"{Sample}/{Name}";
}
