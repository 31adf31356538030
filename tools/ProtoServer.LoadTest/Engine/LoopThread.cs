using System.Runtime.InteropServices;

namespace ProtoServer.LoadTest.Engine;

/// <summary>What the generator asks the kernel about, and of, the thread that it runs on.</summary>
internal static partial class LoopThread
{
    private const int ProcessCpuClock = 2; // CLOCK_PROCESS_CPUTIME_ID
    private const int ThreadCpuClock = 3; // CLOCK_THREAD_CPUTIME_ID
    private const int SetTimerSlackOption = 29; // PR_SET_TIMERSLACK

    /// <summary>Nanoseconds of processor time that the calling thread has used; of the whole process where threads cannot be asked.</summary>
    public static long CpuNanoseconds => Nanoseconds(ThreadCpuClock);

    /// <summary>Nanoseconds of processor time that the whole process has used: all loops, the view, the compiler, the collector.</summary>
    public static long ProcessCpuNanoseconds => Nanoseconds(ProcessCpuClock);

    /// <summary>
    /// Lets the calling thread's sleeps end on time: by default the kernel may prolong each by 50 µs, which would make every scheduled send late by as much.
    /// </summary>
    public static void SharpenTimers()
    {
        if (OperatingSystem.IsLinux())
        {
            // Best effort: where it is forbidden, the lag shows in the report.
            _ = Control(SetTimerSlackOption, 1, 0, 0, 0);
        }
    }

    private static long Nanoseconds(int clock) => OperatingSystem.IsLinux() && GetTime(clock, out TimeSpec time) == 0
        ? (time.Seconds * 1_000_000_000) + time.Nanoseconds
        : Environment.CpuUsage.TotalTime.Ticks * 100;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
