using System.Text;

namespace ProtoServer;

/// <summary>The tree of tasks with what each waits for, as <c>python -m asyncio pstree</c> prints it. Any thread: the loop may hang.</summary>
internal sealed class TaskDump
{
    private readonly Dictionary<Task, LoopTask> _tasks = [];
    private readonly HashSet<LoopTask> _printed = [];
    private readonly StringBuilder _text = new();

    private TaskDump()
    {
    }

    public static string Of(EventLoop loop)
    {
        var dump = new TaskDump();
        LoopTask[] tasks = LoopTasks.Of(loop).Snapshot();
        foreach (LoopTask task in tasks)
        {
            if (task.Outcome is { } outcome)
            {
                dump._tasks[outcome] = task;
            }
        }
        dump._text.Append(loop.Name).Append(": ").Append(tasks.Length).Append(tasks.Length == 1 ? " task" : " tasks").Append('\n');
        var roots = new List<(LoopTask Task, List<WaitNode> Waits)>();
        var awaited = new HashSet<LoopTask>();
        foreach (LoopTask task in tasks)
        {
            List<WaitNode> waits = task.Outcome is { } outcome ? AwaitChain.Of(outcome) : [];
            roots.Add((task, waits));
            Collect(waits, task, dump._tasks, awaited);
        }
        foreach ((LoopTask task, _) in roots)
        {
            if (!awaited.Contains(task))
            {
                dump.PrintTask(task, "", "");
            }
        }
        foreach ((LoopTask task, _) in roots)
        {
            // In a ring of tasks that wait for one another each is awaited: begin anywhere.
            if (!dump._printed.Contains(task))
            {
                dump.PrintTask(task, "", "");
            }
        }
        return dump._text.ToString();
    }

    private static void Collect(List<WaitNode> waits, LoopTask by, Dictionary<Task, LoopTask> tasks, HashSet<LoopTask> awaited)
    {
        foreach (WaitNode node in waits)
        {
            if (Resolve(node, tasks) is { } task)
            {
                if (task != by)
                {
                    awaited.Add(task);
                }
                continue;
            }
            Collect(node.Waits, by, tasks, awaited);
        }
    }

    private static LoopTask? Resolve(WaitNode node, Dictionary<Task, LoopTask> tasks) =>
        node.LoopTask ?? (node.Task is { } task && tasks.TryGetValue(task, out LoopTask? found) ? found : null);

    private void PrintTask(LoopTask task, string lead, string indent)
    {
        bool again = !_printed.Add(task);
        string note = again ? " (above)" : task.Status == TaskStatus.WaitingToRun ? " (not begun)" : "";
        _text.Append(lead).Append("(T) ").Append(task.Name).Append(note).Append('\n');
        if (!again && task.Outcome is { } outcome)
        {
            PrintAll(AwaitChain.Of(outcome), indent);
        }
    }

    private void PrintAll(List<WaitNode> nodes, string indent)
    {
        for (int i = 0; i < nodes.Count; i++)
        {
            bool last = i == nodes.Count - 1;
            string lead = indent + (last ? "└── " : "├── ");
            string below = indent + (last ? "    " : "│   ");
            if (Resolve(nodes[i], _tasks) is { } task)
            {
                PrintTask(task, lead, below);
                continue;
            }
            _text.Append(lead).Append(nodes[i].Name).Append('\n');
            PrintAll(nodes[i].Waits, below);
        }
    }
}
