using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>Happy Eyeballs: addresses are tried in order, each beside its predecessors once these have been silent for a while, and the first connection wins. Loop thread only; one run.</summary>
/// <remarks>Source: <see href="https://www.rfc-editor.org/rfc/rfc8305">RFC 8305</see>, section 5. The losers are cancelled, and closed if they had connected all the same.</remarks>
internal sealed class ConnectRace(EventLoop loop, Func<EndPoint, CancellationToken, Task<ConnectionContext>> connect, TimeSpan delay)
{
    // What the runtime's timers can wait for: anything longer is never.
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(int.MaxValue);

    private readonly List<Attempt> _attempts = [];

    /// <summary>What was tried so far; an attempt that has not ended yet is listed with <paramref name="pending"/>.</summary>
    public IReadOnlyList<ConnectFailure> Failures(Exception pending) =>
        [.. _attempts.Select(attempt => new ConnectFailure(attempt.EndPoint, attempt.Error ?? pending))];

    /// <summary>The first connection; null when every address failed.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled; nothing is left open.</exception>
    public async Task<ConnectionContext?> RunAsync(IReadOnlyList<EndPoint> endPoints, CancellationToken cancellationToken)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Attempt> running = [];
        Task pause = Task.CompletedTask;
        try
        {
            while (running.Count > 0 || _attempts.Count < endPoints.Count)
            {
                if (pause.IsCompleted && _attempts.Count < endPoints.Count)
                {
                    Attempt next = new(endPoints[_attempts.Count]);
                    _attempts.Add(next);
                    running.Add(next);
                    next.Start(connect, end.Token);
                    // Where there is nothing to wait for too: it ends with the token, which a transport from elsewhere need not heed.
                    pause = Task.Delay(_attempts.Count == endPoints.Count || delay > s_longest ? Timeout.InfiniteTimeSpan : delay, loop.TimeProvider, end.Token);
                }
                await Task.WhenAny(running.Select(static attempt => (Task)attempt.Connecting).Append(pause));
                cancellationToken.ThrowIfCancellationRequested();
                for (int i = running.Count - 1; i >= 0; i--)
                {
                    Attempt attempt = running[i];
                    if (!attempt.Connecting.IsCompleted)
                    {
                        continue;
                    }
                    running.RemoveAt(i);
                    if (attempt.Connecting.IsCompletedSuccessfully)
                    {
                        return await attempt.Connecting;
                    }
                    attempt.Error = attempt.Connecting.Exception?.InnerException ?? new OperationCanceledException("The transport gave up.");
                    if (_attempts.Count < endPoints.Count)
                    {
                        // Who was refused is not waited for. After the last address the pause must not be over: WhenAny would return at once, again and again, and the loop would never leave here.
                        pause = Task.CompletedTask;
                    }
                }
            }
            return null;
        }
        finally
        {
            // Here, not on a pool thread: the losers' descriptors are closed when this returns.
            end.Cancel(loop, nameof(cancellationToken), this);
            foreach (Attempt loser in running)
            {
                _ = loser.DiscardAsync();
            }
        }
    }

    private sealed class Attempt(EndPoint endPoint)
    {
        public EndPoint EndPoint { get; } = endPoint;

        public Task<ConnectionContext> Connecting { get; private set; } = null!;

        public Exception? Error { get; set; }

        public void Start(Func<EndPoint, CancellationToken, Task<ConnectionContext>> connect, CancellationToken cancellationToken)
        {
            try
            {
                Connecting = connect(EndPoint, cancellationToken);
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                Connecting = Task.FromException<ConnectionContext>(exception);
            }
        }

        public async Task DiscardAsync()
        {
            try
            {
                ConnectionContext connection = await Connecting;
                await connection.DisposeAsync();
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                // It lost: nobody wants to know why.
            }
        }
    }
}
