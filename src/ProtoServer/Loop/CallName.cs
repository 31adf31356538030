using System.Runtime.CompilerServices;

namespace ProtoServer;

/// <summary>What a user calls a piece of code, from what the compiler calls it: for log lines and dumps.</summary>
internal static class CallName
{
    /// <summary>The user's code in a call's state, where the callback itself is only ours: a plain action, or what goes on after an await. Null where the callback is the user's.</summary>
    public static object? InState<TState>(TState state) =>
        state is ValueTuple<SendOrPostCallback, object?> post ? post.Item2 is Delegate or Task ? post.Item2 : post.Item1 : state as Action;

    /// <summary>Such as <c>Chat.Sweep</c>; of an async method that goes on after an await, the method's own name. Empty for null.</summary>
    public static string Of(object? code) => code switch
    {
        null => "",
        Task task => StateMachineOf(task.GetType()) is { } machine ? Of(machine) : "a task's continuation",
        Delegate { Target: Task task } when StateMachineOf(task.GetType()) is not null => Of(task),
        Delegate callback => callback.Method.DeclaringType is { } type ? $"{Outermost(type).Name}.{Readable(callback.Method.Name)}" : Readable(callback.Method.Name),
        _ => code.ToString()!,
    };

    /// <summary>Of an async method's or an iterator's state machine: the method's name. Of any other type: the type's.</summary>
    public static string Of(Type type)
    {
        if (type.DeclaringType is { } declaring && type.Name.StartsWith('<'))
        {
            int end = type.Name.LastIndexOf('>');
            return $"{Outermost(declaring).Name}.{Readable(type.Name[1..end])}";
        }
        return type.Name;
    }

    /// <summary>The state machine that a running async method's task carries, or null for any other task.</summary>
    public static Type? StateMachineOf(Type task) =>
        task.IsGenericType && task.GetGenericArguments()[^1] is var last && typeof(IAsyncStateMachine).IsAssignableFrom(last) ? last : null;

    // Lambdas live in classes of their own, "<>c" or "<>c__DisplayClass".
    private static Type Outermost(Type type)
    {
        while (type.Name.StartsWith('<') && type.DeclaringType is { } declaring)
        {
            type = declaring;
        }
        return type;
    }

    // "<Outer>g__Local|0_0" is a local function, "<Outer>b__0_0" a lambda, "<Main>$" the top-level statements.
    private static string Readable(string name)
    {
        int end = name.LastIndexOf('>');
        if (end < 0 || !name.StartsWith('<'))
        {
            return name;
        }
        string outer = Readable(name[1..end]);
        string rest = name[(end + 1)..];
        if (rest.StartsWith("g__", StringComparison.Ordinal))
        {
            int bar = rest.IndexOf('|');
            return rest[3..(bar < 0 ? rest.Length : bar)];
        }
        return rest.StartsWith("b__", StringComparison.Ordinal) ? $"{outer} lambda" : outer;
    }
}
