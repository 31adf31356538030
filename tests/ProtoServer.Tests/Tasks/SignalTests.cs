using System.Runtime.InteropServices;

namespace ProtoServer.Tests.Tasks;

/// <summary>Signals go to the whole process: these tests run while no other does. Ctrl-C and SIGQUIT, which would end the test run, are tested on a process of its own: the Tour's.</summary>
[Collection(nameof(SignalTests))]
[CollectionDefinition(nameof(SignalTests), DisableParallelization = true)]
public partial class SignalTests
{
    private const int SigTerm = 15;
    private const int SigUsr1 = 10;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private static void Raise(int signal) => Assert.Equal(0, Kill(Environment.ProcessId, signal));

    [Fact]
    [Trait("Conformance", "U3")]
    [Trait("Conformance", "U9")]
    public void Run_Terminated_CancelsTheMainTaskOnceAndSurfacesAtTheEnd()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        List<string> order = [];
        RunInterruptedException exception = Assert.Throws<RunInterruptedException>(() => EventLoop.Run(async loop =>
        {
            try
            {
                Raise(SigTerm);
                await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, LoopTask.Current!.CancellationToken);
            }
            finally
            {
                Assert.True(loop.ShutdownToken.IsCancellationRequested);
                await Task.Delay(TimeSpan.FromMilliseconds(1), loop.TimeProvider);
                order.Add("cleaned up");
            }
        }));
        Assert.Equal(["cleaned up"], order);
        Assert.Equal(PosixSignal.SIGTERM, exception.Signal);
    }

    [Fact]
    [Trait("Conformance", "U3")]
    public void Run_TerminatedAndSwallowed_ReturnsNormally()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        Assert.Equal("drained", EventLoop.Run(async loop =>
        {
            Raise(SigTerm);
            await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, loop.ShutdownToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            return "drained";
        }));
    }

    [Fact]
    [Trait("Conformance", "U5")]
    public void Run_TerminatedAndCancelledByOtherCode_IsACancellation()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        OperationCanceledException exception = Assert.ThrowsAny<OperationCanceledException>(() => EventLoop.Run(async loop =>
        {
            LoopTask main = LoopTask.Current!;
            loop.ShutdownToken.Register(() => main.Cancel("by other code"));
            Raise(SigTerm);
            await Task.Delay(Timeout.InfiniteTimeSpan, loop.TimeProvider, main.CancellationToken);
        }));
        Assert.IsNotType<RunInterruptedException>(exception);
    }

    [Fact]
    [Trait("Conformance", "U7")]
    public void SignalHandler_WhileTheLoopIsParked_RunsOnTheLoop()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        OnLoop.Run(async loop =>
        {
            var handled = new TaskCompletionSource<EventLoop?>();
            loop.AddSignalHandler((PosixSignal)SigUsr1, () => handled.SetResult(EventLoop.Current));
            new Thread(() =>
            {
                SpinWait.SpinUntil(() => loop.Metrics.IsAsleep, TimeSpan.FromSeconds(30));
                Raise(SigUsr1);
            }).Start();
            Assert.Same(loop, await handled.Task);
            Assert.True(loop.RemoveSignalHandler((PosixSignal)SigUsr1));
            Assert.False(loop.RemoveSignalHandler((PosixSignal)SigUsr1));
        });
    }
}
