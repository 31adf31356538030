namespace ProtoServer.SpecVectors;

/// <summary>What a step does.</summary>
public enum SpecAction
{
    Send,
    Expect,
    HalfClose,
    ExpectClose,
}
