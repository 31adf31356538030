namespace Benchmarks.Running;

/// <summary>A server under measure. It prints <c>listening on HOST:PORT</c> first, and runs until it is killed.</summary>
/// <param name="Name">The word for <c>--only</c>.</param>
/// <param name="Title">What the table calls it.</param>
/// <param name="Command">Program and arguments; may build what it needs first.</param>
/// <param name="Missing">Why it cannot run on this machine, or null when it can.</param>
internal sealed record Peer(string Name, string Title, Func<IReadOnlyList<string>> Command, Func<string?> Missing);
