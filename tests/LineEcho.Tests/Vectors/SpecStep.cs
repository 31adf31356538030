namespace ProtoServer.SpecVectors;

/// <summary>A step of a vector.</summary>
public sealed record SpecStep(SpecAction Action, byte[] Data, int LineNumber);
