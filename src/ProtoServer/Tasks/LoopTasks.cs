using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>The tasks of one loop that have not ended: what holds them. Any thread.</summary>
internal sealed class LoopTasks
{
    private readonly HashSet<LoopTask> _tasks = [];
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    static LoopTasks()
    {
        LoopMeter.Instance.CreateObservableUpDownCounter("protoserver.loop.tasks", static () => LoopMeter.Each(static metrics => Of(metrics.Loop).Count), "{task}", "Tasks that have not ended.");
    }

    private LoopTasks(EventLoop loop)
    {
        loop.OnClosing(() =>
        {
            WarnOfPending(loop);
            _closed.SetResult();
        });
    }

    /// <summary>Completes when the loop closes: other threads wait for a task no longer than that.</summary>
    public Task Closed => _closed.Task;

    private long Count
    {
        get
        {
            lock (_tasks)
            {
                return _tasks.Count;
            }
        }
    }

    public static LoopTasks Of(EventLoop loop) => loop.Local(static loop => new LoopTasks(loop));

    public void Add(LoopTask task)
    {
        lock (_tasks)
        {
            _tasks.Add(task);
        }
    }

    public void Remove(LoopTask task)
    {
        lock (_tasks)
        {
            _tasks.Remove(task);
        }
    }

    /// <summary>In the order in which they were created.</summary>
    public LoopTask[] Snapshot()
    {
        lock (_tasks)
        {
            return [.. _tasks.OrderBy(static task => task.Number)];
        }
    }

    private void WarnOfPending(EventLoop loop)
    {
        LoopTask[] pending = Snapshot();
        if (pending.Length > 0)
        {
            loop.TryLog(LogLevel.Warning, null, $"{loop.Name} was closed while tasks were pending, which never end now: {string.Join(", ", pending.Select(static task => task.Name))}. Cancel and await them first, as EventLoop.Run does.");
        }
    }
}
