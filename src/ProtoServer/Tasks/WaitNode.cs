namespace ProtoServer;

/// <summary>One line of a <see cref="TaskDump"/>: something that waits, and what for.</summary>
internal sealed record WaitNode(string Name, Task? Task, LoopTask? LoopTask, List<WaitNode> Waits);
