namespace Benchmarks.Running;

/// <summary>A program under measure. A server prints <c>listening on HOST:PORT</c> first, a probe <c>ready</c>; both run until they are killed.</summary>
/// <param name="Name">The word for <c>--only</c>.</param>
/// <param name="Title">What the table calls it.</param>
/// <param name="Command">Program and arguments; may build what it needs first.</param>
/// <param name="Missing">Why it cannot run on this machine, and what to install; or null when it can.</param>
/// <param name="Version">What the report says about it beside the runtime and the compiler; null: nothing.</param>
/// <param name="Processes">So many of it run at the same time and are one server to the clients, which spread their connections over them.</param>
internal sealed record Peer(string Name, string Title, Func<IReadOnlyList<string>> Command, Func<string?> Missing, Func<string>? Version = null, int Processes = 1);
