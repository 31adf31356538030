using System.Text;

namespace ProtoServer;

/// <summary>The tree of tasks with what each waits for, as <c>python -m asyncio pstree</c> prints it. Any thread: the loop may hang.</summary>
internal sealed class TaskDump
{
    private readonly Dictionary<Task, LoopTask> _tasks = [];
    private readonly Dictionary<Task, List<WaitNode>> _gathers = []; // Task.WhenAll does not keep its tasks: they know it
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
                dump.NoteGathers(task, outcome);
            }
        }
        dump._text.Append(loop.Name).Append(": ").Append(tasks.Length).Append(tasks.Length == 1 ? " task" : " tasks").Append('\n');
        var roots = new List<(LoopTask Task, List<WaitNode> Waits)>();
        var awaited = new HashSet<LoopTask>();
        foreach (LoopTask task in tasks)
        {
            List<WaitNode> waits = task.Outcome is { } outcome ? AwaitChain.Of(outcome) : [];
            roots.Add((task, waits));
            dump.Collect(waits, task, awaited);
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

    private void NoteGathers(LoopTask task, Task outcome)
    {
        foreach (Task waiter in AwaitChain.TasksBehind(outcome))
        {
            if (!_gathers.TryGetValue(waiter, out List<WaitNode>? gathered))
            {
                _gathers[waiter] = gathered = [];
            }
            gathered.Add(new WaitNode(task.Name, null, task, []));
        }
    }

    private void Collect(List<WaitNode> waits, LoopTask by, HashSet<LoopTask> awaited)
    {
        foreach (WaitNode node in waits)
        {
            if (Resolve(node) is not { } task)
            {
                Collect(WaitsOf(node), by, awaited);
            }
            else if (task != by)
            {
                awaited.Add(task);
            }
        }
    }

    private LoopTask? Resolve(WaitNode node) => node.LoopTask ?? (node.Task is { } task && _tasks.TryGetValue(task, out LoopTask? found) ? found : null);

    private List<WaitNode> WaitsOf(WaitNode node) => node.Waits.Count == 0 && node.Task is { } task && _gathers.TryGetValue(task, out List<WaitNode>? gathered) ? gathered : node.Waits;

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
            if (Resolve(nodes[i]) is { } task)
            {
                PrintTask(task, lead, below);
                continue;
            }
            _text.Append(lead).Append(nodes[i].Name).Append('\n');
            PrintAll(WaitsOf(nodes[i]), below);
        }
    }
}
