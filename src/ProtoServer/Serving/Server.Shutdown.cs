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

    private bool _servingForever;
    private bool _draining;
    private TimeSpan _drainBegan;
    private TimeSpan _drainTime; // known when it is over
    private int _open; // when the drain began
    private int _aborted; // of those

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
        OnLoop(() => BeginDrain(timeout));
        return ReportAsync();
    }

    // Not by way of the loop: it may be closed before the drain is over, and takes nobody back to itself then.
    private async Task<DrainReport> ReportAsync()
    {
        await _closed.Task.ConfigureAwait(false);
        return new DrainReport(_open - _aborted, _aborted, _drainTime);
    }

    /// <summary>All is over; returns whether it was not before.</summary>
    private bool SetClosed()
    {
        if (_draining && !_closed.Task.IsCompleted)
        {
            _drainTime = Loop.Time - _drainBegan;
        }
        return _closed.TrySetResult();
    }

    private void BeginDrain(TimeSpan timeout)
    {
        if (!_draining)
        {
            _drainBegan = Loop.Time;
            _open = _connections.Count;
            _draining = true;
            _ = DrainAsync(timeout);
        }
    }

    private async Task DrainAsync(TimeSpan timeout)
    {
        try
        {
            await CloseQuietConnectionsAsync(timeout);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report("Draining met an error; what is open is aborted.", exception, null, this);
            AbortClients();
        }
    }

    private async Task CloseQuietConnectionsAsync(TimeSpan timeout)
    {
        Close();
        HashSet<IServedConnection> closeThemselves = [];
        foreach (IServedConnection connection in _connections.ToArray())
        {
            if (connection.TellDraining())
            {
                closeThemselves.Add(connection);
            }
        }
        int quietRounds = _listeners.All(static listener => listener is EpollListener) ? QuietIterations : QuietRoundsOffLoop;
        for (int round = 0; _connections.Count > 0; round++)
        {
            TimeSpan left = timeout - (Loop.Time - _drainBegan);
            if (left <= TimeSpan.Zero)
            {
                _aborted = _connections.Count;
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
    }
}
