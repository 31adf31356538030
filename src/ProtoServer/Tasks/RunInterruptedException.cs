using System.Runtime.InteropServices;

namespace ProtoServer;

/// <summary>Comes out of <c>EventLoop.Run</c> when a signal cancelled the main task: what KeyboardInterrupt is to <c>asyncio.run</c>.</summary>
/// <remarks>Not when the main task caught its cancellation and returned, as it does with <c>Server.ServeForeverAsync</c>; nor when other code cancelled it as well.</remarks>
public sealed class RunInterruptedException : OperationCanceledException
{
    internal RunInterruptedException(PosixSignal signal, OperationCanceledException cause) : base($"The main task was cancelled by {signal}.", cause, cause.CancellationToken)
    {
        Signal = signal;
    }

    /// <summary>The signal that came first.</summary>
    public PosixSignal Signal { get; }
}
