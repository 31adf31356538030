using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;

namespace ProtoServer.Tests.Clients;

/// <summary>Each await has an end: a test that hangs fails here, and says where.</summary>
internal static class Within
{
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Runs <paramref name="what"/> on the loop.</summary>
    public static Task<T> OnLoop<T>(this EventLoop loop, Func<T> what)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.CallSoonThreadSafe(() =>
        {
            try
            {
                result.SetResult(what());
            }
            catch (Exception exception)
            {
                result.SetException(exception);
            }
        });
        return result.Task.WaitAsync(Deadline);
    }

    public static Task OnLoop(this EventLoop loop, Action what) => loop.OnLoop(() =>
    {
        what();
        return true;
    });

    /// <summary>Runs an async method on the loop.</summary>
    public static Task<T> OnLoop<T>(this EventLoop loop, Func<Task<T>> what) => OnLoop<Task<T>>(loop, what).Unwrap().WaitAsync(Deadline);

    public static Task OnLoop(this EventLoop loop, Func<Task> what) => OnLoop<Task>(loop, what).Unwrap().WaitAsync(Deadline);

    /// <summary>Waits until <paramref name="condition"/>, looked at on the loop, holds. By the machine's clock, whatever the loop's is.</summary>
    public static async Task Until(this EventLoop loop, Func<bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await loop.OnLoop(condition))
        {
            if (Stopwatch.GetElapsedTime(started) > Deadline)
            {
                throw new TimeoutException($"Not within {Deadline}.");
            }
            await Task.Delay(1);
        }
    }

    /// <summary>This machine's connections to <paramref name="remote"/> that are up or about to be, as the kernel lists them: what no transport can hide.</summary>
    public static int ConnectionsTo(EndPoint remote) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
        .Count(one => one.RemoteEndPoint.Equals(remote) && one.State is TcpState.SynSent or TcpState.Established);

    /// <summary>What the loop's poller watches beside its wake-up: listeners, connections, connects under way.</summary>
    public static Task<int> Watched(this EventLoop loop) => loop.OnLoop(() => loop.Poller.Handlers.Count() - 1);
}
