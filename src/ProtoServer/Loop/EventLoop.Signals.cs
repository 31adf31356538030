using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ProtoServer;

// Signals, brought to the loop.
public sealed partial class EventLoop
{
    private readonly Dictionary<PosixSignal, PosixSignalRegistration> _signals = [];

    /// <summary>Calls <paramref name="callback"/> on the loop when the process gets <paramref name="signal"/>, in place of the default action.</summary>
    /// <remarks>A second handler for the same signal replaces the first. Closing the loop restores the default. Unlike asyncio's, it does not replace what <c>EventLoop.Run</c> does at SIGINT, SIGTERM and SIGQUIT: there, both happen. Source: asyncio's <c>add_signal_handler</c>.</remarks>
    /// <exception cref="ArgumentException">The callback is an <c>async</c> method: nobody would await it.</exception>
    /// <exception cref="PlatformNotSupportedException">The signal cannot be caught here (SIGKILL, SIGSTOP).</exception>
    public void AddSignalHandler(PosixSignal signal, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        VerifyUsable();
        if (callback.Method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false))
        {
            throw new ArgumentException("A signal handler cannot be async: nobody would await it. Give a callback that calls loop.CreateTask.", nameof(callback));
        }
        PosixSignalRegistration registration;
        try
        {
            registration = PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Post(static action => action(), callback);
            });
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or IOException)
        {
            throw new PlatformNotSupportedException($"The signal {signal} cannot be handled on this system.", exception);
        }
        if (_signals.Count == 0)
        {
            OnClosing(RemoveAllSignalHandlers);
        }
        RemoveSignalHandler(signal);
        _signals.Add(signal, registration);
    }

    /// <summary>Gives <paramref name="signal"/> its default action back.</summary>
    /// <returns>Whether a handler was set.</returns>
    public bool RemoveSignalHandler(PosixSignal signal)
    {
        if (!_signals.Remove(signal, out PosixSignalRegistration? registration))
        {
            return false;
        }
        registration.Dispose();
        return true;
    }

    private void RemoveAllSignalHandlers()
    {
        foreach (PosixSignal signal in _signals.Keys.ToArray())
        {
            RemoveSignalHandler(signal);
        }
    }
}
