namespace ProtoServer;

// Serving until somebody ends it, and ending it without losing what was received.
public sealed partial class Server
{
    // A connection is idle when the kernel was asked about all of them and had nothing for it: two iterations after its last data, where one poll reports all that are ready.
    private int QuietIterations => 1 + Loop.Poller.PollsPerRound;

    // Where other threads receive, bytes may be on their way to the loop for longer: two to three looks, 40 ms and more, without anything.
    private const int QuietRoundsOffLoop = 6;

    // Between looks at connections that are still busy.
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// How long a connection that has said nothing yet counts as busy when the server drains, from its acceptance. Its first bytes are on their way most likely, and a restart behind a socket that somebody else
    /// holds open should lose no answer. More than a round trip across a continent; what a drain takes longer at most, where clients have only just come.
    /// </summary>
    internal static readonly TimeSpan FirstWordGrace = TimeSpan.FromMilliseconds(250);

    private Task<DrainReport>? _shutdown;
    private bool _servingForever;

    /// <summary>Serves until <see cref="Close"/>, cancellation, or the end of <c>EventLoop.Run</c> by Ctrl-C or SIGTERM; the latter two drain first.</summary>
    /// <param name="cancellationToken">Drains with <see cref="ServerOptions.DrainTimeout"/>, then throws.</param>
    /// <exception cref="InvalidOperationException">It is already being served for ever.</exception>
    /// <exception cref="ObjectDisposedException">The server is closed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async Task ServeForeverAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_closing, this);
        if (Interlocked.Exchange(ref _servingForever, true))
        {
            throw new InvalidOperationException("The server is already being served for ever: call ServeForeverAsync once.");
        }
        StartServing();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Loop.ShutdownToken);
        try
        {
            await WaitClosedAsync(end.Token);
        }
        catch (OperationCanceledException)
        {
            await ShutdownAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            _servingForever = false;
        }
    }

    /// <summary>
    /// Ends the server without losing what it received: stops accepting, tells each <see cref="IDrainingProtocol"/>, closes every connection as soon as it has nothing more to say (one that was accepted within the last 250 ms and has said nothing yet gets the rest of that time),
    /// and aborts what is left at the end of the timeout. A second call waits for the first.
    /// </summary>
    /// <param name="drainTimeout">Default <see cref="ServerOptions.DrainTimeout"/>. Zero aborts at once.</param>
    /// <returns>How many ended regularly, how many were aborted.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public Task<DrainReport> ShutdownAsync(TimeSpan? drainTimeout = null)
    {
        TimeSpan timeout = drainTimeout ?? _options.DrainTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero, nameof(drainTimeout));
        if (Loop.MayCallDirectly)
        {
            return _shutdown ??= DrainAsync(timeout);
        }
        var report = new TaskCompletionSource<DrainReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(static call => _ = call.server.ShutdownForAsync(call.timeout, call.report), (server: this, timeout, report));
        return report.Task;
    }

    private async Task ShutdownForAsync(TimeSpan timeout, TaskCompletionSource<DrainReport> report)
    {
        try
        {
            report.SetResult(await (_shutdown ??= DrainAsync(timeout)));
        }
        catch (Exception exception)
        {
            report.SetException(exception);
        }
    }

    private async Task<DrainReport> DrainAsync(TimeSpan timeout)
    {
        TimeSpan begin = Loop.Time;
        Close();
        int open = _connections.Count;
        HashSet<IServedConnection> closeThemselves = [];
        foreach (IServedConnection connection in _connections.ToArray())
        {
            if (connection.TellDraining())
            {
                closeThemselves.Add(connection);
            }
        }
        int aborted = 0;
        int quietRounds = _listeners.All(static listener => listener is EpollListener) ? QuietIterations : QuietRoundsOffLoop;
        for (int round = 0; _connections.Count > 0; round++)
        {
            TimeSpan left = timeout - (Loop.Time - begin);
            if (left <= TimeSpan.Zero)
            {
                aborted = _connections.Count;
                AbortClients();
                break;
            }
            foreach (IServedConnection connection in _connections.ToArray())
            {
                if (!closeThemselves.Contains(connection) && round >= quietRounds && connection.IsQuiet(QuietIterations))
                {
                    connection.Close();
                }
            }
            // The first rounds are iterations, for those that have nothing to say; then the busy ones are looked at now and then.
            if (round <= QuietIterations + 1)
            {
                await Task.Yield();
            }
            else
            {
                await Task.Delay(left < DrainInterval ? left : DrainInterval, Loop.TimeProvider);
            }
        }
        await _closed.Task;
        return new DrainReport(open - aborted, aborted, Loop.Time - begin);
    }
}
