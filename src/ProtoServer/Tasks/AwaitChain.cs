using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace ProtoServer;

/// <summary>Reads from a pending task what it waits for: an async method keeps its awaiter in a field of its state machine, and the runtime's combinators keep their tasks.</summary>
/// <remarks>
/// Private fields of the compiler's and the runtime's making, read for people to look at: where one is missing, in a trimmed app or a later runtime, the tree ends there.
/// On other threads than the loop's the picture may be a step old.
/// </remarks>
internal static class AwaitChain
{
    // Deeper than people write, and an end where a chain bites its tail.
    private const int MaxDepth = 64;

    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>What the async method behind <paramref name="task"/> waits for; that method itself is left out.</summary>
    public static List<WaitNode> Of(Task task)
    {
        // LoopTask.RunAsync's own frame is the task, not a line of its own.
        return StateOf(task) is { } machine ? Awaited(machine, 0) : [];
    }

    /// <summary>The combinators that wait for <paramref name="task"/>.</summary>
    public static IEnumerable<Task> TasksBehind(Task task)
    {
        object? behind = ContinuationOf(task);
        try
        {
            return behind is List<object?> several ? [.. several.OfType<Task>()] : behind is Task one ? [one] : [];
        }
        catch (InvalidOperationException)
        {
            // Changed by the loop's thread meanwhile.
            return [];
        }
    }

    private static WaitNode Describe(object waited, int depth)
    {
        var task = waited as Task;
        Type? machineType = task is null ? null : CallName.StateMachineOf(task.GetType());
        if (machineType is null && waited is IAsyncStateMachine)
        {
            machineType = waited.GetType(); // an async iterator is its own state machine
        }
        if (machineType is null || depth >= MaxDepth)
        {
            return new WaitNode(NameOf(waited), task, null, depth >= MaxDepth ? [] : Inside(waited, depth));
        }
        object? machine = task is null ? waited : StateOf(task);
        List<WaitNode> waits = machine is null ? [] : Awaited(machine, depth + 1);
        if (machine is not null && FieldsOf(machine).FirstOrDefault(static field => field.FieldType == typeof(TaskGroup) && field.Name == "<>4__this")?.GetValue(machine) is TaskGroup group)
        {
            AddChildren(waits, group);
        }
        return new WaitNode(CallName.Of(machineType), task, null, waits);
    }

    // Also while the group's body waits for something else.
    private static void AddChildren(List<WaitNode> waits, TaskGroup group)
    {
        waits.RemoveAll(node => node.Task?.AsyncState == group);
        try
        {
            waits.AddRange(group.Children.Select(static child => new WaitNode(child.Name, null, child, [])));
        }
        catch (InvalidOperationException)
        {
            // Changed by the loop's thread meanwhile: they are listed as tasks of their own.
        }
    }

    // The combinators: WhenAll, WaitAsync and their kind hold the tasks they wait for.
    private static List<WaitNode> Inside(object waited, int depth)
    {
        List<WaitNode> inside = [];
        if (waited.GetType().Assembly != typeof(Task).Assembly)
        {
            return inside;
        }
        foreach (FieldInfo field in FieldsOf(waited))
        {
            if (field.DeclaringType == typeof(Task) || (field.DeclaringType is { IsGenericType: true } declaring && declaring.GetGenericTypeDefinition() == typeof(Task<>)))
            {
                continue;
            }
            switch (field.GetValue(waited))
            {
                case Task { IsCompleted: false } task:
                    inside.Add(Describe(task, depth + 1));
                    break;
                case IEnumerable<Task?> tasks:
                    inside.AddRange(tasks.Where(static task => task is { IsCompleted: false }).Select(task => Describe(task!, depth + 1)));
                    break;
            }
        }
        return inside;
    }

    private static List<WaitNode> Awaited(object machine, int depth)
    {
        List<WaitNode> awaited = [];
        foreach (FieldInfo field in FieldsOf(machine))
        {
            // "<>u__1": the compiler's name for a kept awaiter; it is cleared when the wait is over.
            if (field.Name.StartsWith("<>u__", StringComparison.Ordinal) && field.GetValue(machine) is { } awaiter && WaitedFor(awaiter, 0) is { } waited)
            {
                awaited.Add(Describe(waited, depth));
            }
        }
        return awaited;
    }

    // An awaiter is a struct around a task or a value task's source, sometimes two deep (ConfigureAwait).
    private static object? WaitedFor(object awaiter, int depth)
    {
        foreach (FieldInfo field in FieldsOf(awaiter))
        {
            object? value = field.GetValue(awaiter);
            if (value is Task task)
            {
                return task.IsCompleted ? null : task;
            }
            if (value is not null && field.Name == "_obj")
            {
                // ValueTask's: an IValueTaskSource.
                return value;
            }
            if (value is not null && field.FieldType is { IsValueType: true, IsPrimitive: false, IsEnum: false } && depth < 4 && WaitedFor(value, depth + 1) is { } waited)
            {
                return waited;
            }
        }
        return null;
    }

    private static string NameOf(object waited)
    {
        string type = waited.GetType().Name;
        int tick = type.IndexOf('`', StringComparison.Ordinal);
        type = tick < 0 ? type : type[..tick];
        return type switch
        {
            "DelayPromise" or "DelayPromiseWithCancellation" => "Task.Delay",
            "WhenAllPromise" => "Task.WhenAll",
            "TwoTaskWhenAnyPromise" or "CompleteOnInvokePromise" => "Task.WhenAny",
            "CancellationPromise" => "Task.WaitAsync",
            "Task" => "a TaskCompletionSource",
            _ => type,
        };
    }

    [DynamicDependency("m_continuationObject", typeof(Task))]
    private static object? ContinuationOf(Task task) => typeof(Task).GetField("m_continuationObject", Fields)?.GetValue(task);

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "For people to look at: a field that was trimmed away only shortens the tree.")]
    private static object? StateOf(Task task) => task.GetType().GetField("StateMachine", Fields)?.GetValue(task);

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "For people to look at: a field that was trimmed away only shortens the tree.")]
    private static FieldInfo[] FieldsOf(object instance) => instance.GetType().GetFields(Fields);
}
