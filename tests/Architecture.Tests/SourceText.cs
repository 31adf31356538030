namespace Architecture.Tests;

/// <summary>A source file: where it would be in the repository, and what it says.</summary>
internal sealed record SourceText(string Path, string Text);
