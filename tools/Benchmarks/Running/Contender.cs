namespace Benchmarks.Running;

/// <summary>One row of a comparison.</summary>
/// <param name="Name">The word for <c>--only</c>.</param>
/// <param name="Title">What the table calls it.</param>
/// <param name="Measure">One window.</param>
internal sealed record Contender(string Name, string Title, Func<Task<Window>> Measure);
