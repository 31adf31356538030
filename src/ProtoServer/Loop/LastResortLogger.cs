using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>Where warnings and errors go when the user configured no logging: to standard error, as Python's <c>logging.lastResort</c> does. Silence would hide faults.</summary>
internal sealed class LastResortLogger : ILogger
{
    public static LastResortLogger Instance { get; } = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and not LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }
        string line = $"ProtoServer {logLevel}: {formatter(state, exception)}";
#pragma warning disable RS0030 // the one place where the library itself writes to the console, see above
        Console.Error.WriteLine(exception is null ? line : $"{line}{Environment.NewLine}{exception}");
#pragma warning restore RS0030
    }
}
