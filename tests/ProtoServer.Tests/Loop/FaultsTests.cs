using Microsoft.Extensions.Logging;

namespace ProtoServer.Tests;

/// <summary>L: callbacks that throw or take too long.</summary>
public sealed class FaultsTests : IDisposable
{
    private readonly TestLoop _test = new();

    public void Dispose() => _test.Dispose();

    [Fact, Trait("Conformance", "L9")]
    public async Task Callback_Throws_HandlerIsToldAndTheLoopGoesOn()
    {
        var thrown = new InvalidOperationException("callback");
        CallHandle handle = _test.Loop.CallSoonThreadSafe(() => Throw(thrown));
        await _test.IterationsAsync();
        LoopErrorContext report = Assert.Single(_test.Reports);
        Assert.Same(thrown, report.Exception);
        Assert.Same(handle, report.Source);
        Assert.NotEmpty(report.Message);
        Assert.Contains(nameof(Callback_Throws_HandlerIsToldAndTheLoopGoesOn), report.Callback, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L26")]
    public async Task ExceptionHandler_Null_LogsAnErrorThatNamesTheCallback()
    {
        _test.Loop.ExceptionHandler = null;
        _test.Loop.CallSoonThreadSafe(static () => Throw(new InvalidOperationException("callback")));
        await _test.IterationsAsync();
        var line = Assert.Single(_test.Log.Lines, static line => line.Level == LogLevel.Error);
        Assert.Equal("callback", line.Exception!.Message);
        Assert.Contains(nameof(ExceptionHandler_Null_LogsAnErrorThatNamesTheCallback), line.Text, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "L26")]
    public async Task ExceptionHandler_Throws_BothAreLoggedAndTheLoopGoesOn()
    {
        _test.Loop.ExceptionHandler = static _ => throw new InvalidOperationException("handler");
        _test.Loop.CallSoonThreadSafe(static () => Throw(new InvalidOperationException("callback")));
        await _test.IterationsAsync();
        Assert.Equal(["handler", "callback"], _test.Log.Lines.Where(static line => line.Level == LogLevel.Error).Select(static line => line.Exception!.Message));
    }

    [Fact, Trait("Conformance", "L26")]
    public async Task LoggerAndHandler_ThrowBoth_TheLoopGoesOn()
    {
        using var broken = new TestLoop(new EventLoopOptions { LoggerFactory = new BrokenLogger() });
        broken.Loop.ExceptionHandler = static _ => throw new InvalidOperationException("handler");
        broken.Loop.CallSoonThreadSafe(static () => Throw(new InvalidOperationException("callback")));
        await broken.IterationsAsync();
    }

    [Fact, Trait("Conformance", "L24")]
    public async Task SlowCallback_AboveTheThreshold_IsLoggedWithItsNameAlsoFromATimer()
    {
        await _test.RunAsync(() => _test.Loop.SlowCallbackThreshold = TimeSpan.FromMilliseconds(1));
        _test.Loop.CallSoonThreadSafe(Slow);
        await _test.RunAsync(() => _test.Loop.CallLater(TimeSpan.Zero, Slow));
        await _test.IterationsAsync();
        Assert.Equal(2, _test.Log.At(LogLevel.Warning).Count(static line => line.Contains($"{nameof(FaultsTests)}.{nameof(Slow)}", StringComparison.Ordinal)));
    }

    [Fact, Trait("Conformance", "L25")]
    public async Task SlowCallback_ThresholdOff_IsNotLogged()
    {
        Assert.Equal(Timeout.InfiniteTimeSpan, _test.Loop.SlowCallbackThreshold);
        _test.Loop.CallSoonThreadSafe(Slow);
        await _test.IterationsAsync();
        Assert.Empty(_test.Log.At(LogLevel.Warning));
        await _test.RunAsync(() => Assert.Throws<ArgumentOutOfRangeException>(() => _test.Loop.SlowCallbackThreshold = TimeSpan.Zero));
    }

    private static void Throw(Exception exception) => throw exception;

    private static void Slow()
    {
        long begin = System.Diagnostics.Stopwatch.GetTimestamp();
        SpinWait.SpinUntil(() => System.Diagnostics.Stopwatch.GetElapsedTime(begin) > TimeSpan.FromMilliseconds(3));
    }
}

/// <summary>A logger that throws at whatever it is asked.</summary>
internal sealed class BrokenLogger : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => throw new InvalidOperationException("logger");

    public bool IsEnabled(LogLevel logLevel) => throw new InvalidOperationException("logger");

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        throw new InvalidOperationException("logger");

    public void Dispose()
    {
    }
}
