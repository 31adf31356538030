using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ProtoServer.Tests;

/// <summary>A loop on a thread of its own for one test; what it reports is collected, and what it logs.</summary>
internal sealed class TestLoop : IDisposable
{
    private readonly ConcurrentQueue<LoopErrorContext> _reports = new();

    public TestLoop(EventLoopOptions? options = null)
    {
        Log = new CollectingLogger();
        options ??= new EventLoopOptions();
        Loop = EventLoop.Start(new EventLoopOptions
        {
            Name = options.Name,
            Clock = options.Clock,
            Transport = options.Transport,
            Debug = options.Debug,
            SlowCallbackThreshold = options.SlowCallbackThreshold,
            ReceiveBufferBytes = options.ReceiveBufferBytes,
            LoggerFactory = options.LoggerFactory ?? Log,
        });
        Loop.ExceptionHandler = _reports.Enqueue;
    }

    public EventLoop Loop { get; }

    public CollectingLogger Log { get; }

    /// <summary>What came to the exception handler so far.</summary>
    public IReadOnlyList<LoopErrorContext> Reports => [.. _reports];

    /// <summary>Runs <paramref name="action"/> on the loop's thread.</summary>
    public Task RunAsync(Action action) => RunAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>Runs <paramref name="function"/> on the loop's thread; its exception is the task's.</summary>
    public Task<T> RunAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.CallSoonThreadSafe(() =>
        {
            try
            {
                done.SetResult(function());
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return done.Task.Within();
    }

    /// <summary>Runs an asynchronous <paramref name="function"/> that begins on the loop's thread and, as its awaits come back, stays there.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> function) => await (await RunAsync<Task<T>>(() => function())).Within();

    /// <inheritdoc cref="RunAsync{T}(Func{Task{T}})"/>
    public async Task RunAsync(Func<Task> function) => await (await RunAsync<Task>(() => function())).Within();

    /// <summary>Waits until the loop has gone round <paramref name="count"/> times.</summary>
    public Task IterationsAsync(int count = 3) => RunAsync(async () =>
    {
        for (int i = 0; i < count; i++)
        {
            await Task.Yield();
        }
    });

    /// <summary>Keeps the loop inside one callback until the result is disposed: what peers do meanwhile is ready in the same poll.</summary>
    /// <param name="then">The callback's last act.</param>
    public async Task<IDisposable> HoldAsync(Action? then = null)
    {
        var held = new HeldLoop(then);
        Loop.CallSoonThreadSafe(held.Hold);
        await held.Holding.Within();
        return held;
    }

    public void Dispose() => Loop.Dispose();

    private sealed class HeldLoop(Action? then) : IDisposable
    {
        private readonly TaskCompletionSource _holding = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _released = new();

        public Task Holding => _holding.Task;

        public void Hold()
        {
            _holding.SetResult();
            _released.Wait(Deadlines.Default);
            then?.Invoke();
        }

        public void Dispose() => _released.Set();
    }
}

/// <summary>Keeps what is logged, from Information up.</summary>
internal sealed class CollectingLogger : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text, Exception? Exception)> _lines = new();

    public IReadOnlyList<(LogLevel Level, string Text, Exception? Exception)> Lines => [.. _lines];

    public IEnumerable<string> At(LogLevel level) => Lines.Where(line => line.Level == level).Select(static line => line.Text);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, formatter(state, exception), exception));

    public void Dispose()
    {
    }
}
