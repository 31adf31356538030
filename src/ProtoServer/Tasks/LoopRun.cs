using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>One <c>EventLoop.Run</c>: the main task, its signals, and the closing steps. On the calling thread, except for the arrival of signals.</summary>
internal sealed class LoopRun
{
    private readonly EventLoop _loop;
    private LoopTask? _main;
    private int _signals;
    private PosixSignal _first;

    private LoopRun(EventLoop loop)
    {
        _loop = loop;
    }

    public static TResult Run<TResult>(Func<EventLoop, Task> main, EventLoopOptions? options)
    {
        if (EventLoop.Current is { } running)
        {
            throw new InvalidOperationException($"EventLoop.Run was called on the thread of {running.Name}: await the work there, or start another loop with EventLoop.Start().");
        }
        var run = new LoopRun(new EventLoop(options));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, run.OnSignal);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, run.OnSignal);
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, run.OnQuit);
        try
        {
            return run.RunMain<TResult>(main);
        }
        finally
        {
            run.Close();
        }
    }

    private TResult RunMain<TResult>(Func<EventLoop, Task> main)
    {
        try
        {
            return _loop.RunUntilComplete(() =>
            {
                var task = new LoopTask<TResult>(_loop, _ => main(_loop), "main", eagerStart: true);
                _main = task;
                return task.Task;
            });
        }
        catch (OperationCanceledException exception) when (Volatile.Read(ref _signals) > 0 && _main is { CancelCount: 1 })
        {
            throw new RunInterruptedException(_first, exception);
        }
    }

    // On the runtime's signal thread: the second one takes its default action even when the loop hangs in a callback.
    private void OnSignal(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _signals) == 1)
        {
            _first = context.Signal;
            context.Cancel = true;
            _loop.Post(static run => run.Interrupt(), this);
        }
    }

    private void Interrupt()
    {
        _loop.RequestShutdown();
        _main?.Cancel();
    }

    // On the runtime's signal thread too: one asks for this dump because the loop no longer answers.
    private void OnQuit(PosixSignalContext context)
    {
        context.Cancel = true;
        _loop.TryLog(LogLevel.Warning, null, _loop.DumpTasks());
    }

    private void Close()
    {
        Step("Ending the tasks that were left", EndTasksAsync);
        Step("Closing the async generators", () => _loop.ShutdownAsyncGeneratorsAsync());
        Step("Joining the executor's threads", () => _loop.ShutdownExecutorAsync());
        _loop.Dispose();
    }

    private void Step(string what, Func<Task> step)
    {
        // Again after a callback that meant to leave the loop: it is being left, and what others clean up is not that callback's affair. Bounded, for there may always be another.
        for (int attempt = 0; attempt < 16; attempt++)
        {
            try
            {
                _loop.RunUntilComplete(step);
                return;
            }
            catch (Exception exception)
            {
                _loop.Report($"{what} met an error; closing goes on.", exception, null, _loop);
                if (exception is not LoopAbortException)
                {
                    return;
                }
            }
        }
    }

    // What they fail with is reported by themselves: nobody awaits them.
    private async Task EndTasksAsync()
    {
        TimeSpan deadline = _loop.Time + _loop.Options.ShutdownTimeout;
        foreach (LoopTask task in _loop.Tasks)
        {
            task.Cancel();
        }
        // Again: their cleanup may have created others.
        while (_loop.Tasks is { Count: > 0 } left)
        {
            TimeSpan rest = deadline - _loop.Time;
            if (rest <= TimeSpan.Zero)
            {
                _loop.TryLog(LogLevel.Warning, null, $"Tasks that were cancelled did not end within {_loop.Options.ShutdownTimeout} and are left behind: do they pass their token on?\n{_loop.DumpTasks()}");
                return;
            }
            await Task.WhenAll(left.Select(static task => task.Outcome!)).WaitAsync(rest, _loop.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }
}
