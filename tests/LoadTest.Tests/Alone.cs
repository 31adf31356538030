namespace LoadTest.Tests;

/// <summary>Tests that measure time or load the machine: one after the other, and nothing beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
