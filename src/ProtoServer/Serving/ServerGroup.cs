using System.Net;

namespace ProtoServer;

/// <summary>One server on several loops: what <c>CreateServer</c> on an <see cref="EventLoopGroup"/> returns. The face of <see cref="Server"/> over all of them.</summary>
/// <remarks>Any thread. Numbers are sums over the loops, each exact, together as of no one moment.</remarks>
public sealed class ServerGroup : IAsyncDisposable
{
    private readonly Server[] _servers;
    private readonly ServerOptions _options;
    private bool _servingForever;

    internal ServerGroup(Server[] servers, ServerOptions options)
    {
        _servers = servers;
        _options = options;
    }

    /// <summary>The server of each loop.</summary>
    public IReadOnlyList<Server> Servers => _servers;

    /// <summary>The addresses bound, with their real ports; the same for every loop.</summary>
    public IReadOnlyList<EndPoint> EndPoints => _servers[0].EndPoints;

    /// <summary>The first TCP port; 0 when there is none.</summary>
    public int Port => _servers[0].Port;

    /// <summary>Open connections on all loops.</summary>
    public int Connections => _servers.Sum(static server => server.Connections);

    /// <summary>Connections accepted so far by all loops.</summary>
    public long TotalConnections => _servers.Sum(static server => server.TotalConnections);

    /// <summary>Whether new connections are accepted.</summary>
    public bool IsServing => _servers.Any(static server => server.IsServing);

    /// <inheritdoc cref="Server.StartServing"/>
    public void StartServing() => ForEach(static server => server.StartServing());

    /// <inheritdoc cref="Server.PauseAccepting"/>
    public void PauseAccepting() => ForEach(static server => server.PauseAccepting());

    /// <inheritdoc cref="Server.ResumeAccepting"/>
    public void ResumeAccepting() => ForEach(static server => server.ResumeAccepting());

    /// <inheritdoc cref="Server.Close"/>
    public void Close() => ForEach(static server => server.Close());

    /// <inheritdoc cref="Server.CloseClients"/>
    public void CloseClients() => ForEach(static server => server.CloseClients());

    /// <inheritdoc cref="Server.AbortClients"/>
    public void AbortClients() => ForEach(static server => server.AbortClients());

    /// <summary>Completes when every loop's server is closed and its last connection has ended.</summary>
    /// <param name="cancellationToken">Ends this wait only.</param>
    public Task WaitClosedAsync(CancellationToken cancellationToken = default) => Task.WhenAll(_servers.Select(static server => server.WaitClosedAsync())).WaitAsync(cancellationToken);

    /// <summary>Serves until <see cref="Close"/>, cancellation, or, when called on a loop of <c>EventLoop.Run</c>, until Ctrl-C or SIGTERM; the latter two drain first.</summary>
    /// <param name="cancellationToken">Drains with <see cref="ServerOptions.DrainTimeout"/>, then throws.</param>
    /// <exception cref="InvalidOperationException">It is already being served for ever.</exception>
    /// <exception cref="ObjectDisposedException">The server is closed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async Task ServeForeverAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _servingForever, true))
        {
            throw new InvalidOperationException("The server is already being served for ever: call ServeForeverAsync once.");
        }
        try
        {
            StartServing();
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, EventLoop.Current?.ShutdownToken ?? default);
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

    /// <summary>Drains all loops at the same time, each as <see cref="Server.ShutdownAsync"/> does.</summary>
    /// <param name="drainTimeout">Default <see cref="ServerOptions.DrainTimeout"/>. Zero aborts at once.</param>
    /// <returns>The sums, and the longest time.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public async Task<DrainReport> ShutdownAsync(TimeSpan? drainTimeout = null)
    {
        TimeSpan timeout = drainTimeout ?? _options.DrainTimeout;
        DrainReport[] reports = await Task.WhenAll(_servers.Select(server => server.ShutdownAsync(timeout))).ConfigureAwait(false);
        return new DrainReport(reports.Sum(static report => report.Closed), reports.Sum(static report => report.Aborted), reports.Max(static report => report.Elapsed));
    }

    /// <summary>Drains with <see cref="ServerOptions.DrainTimeout"/>.</summary>
    public async ValueTask DisposeAsync() => await ShutdownAsync().ConfigureAwait(false);

    /// <inheritdoc/>
    public override string ToString() => $"{_servers[0]} on {_servers.Length} loops";

    private void ForEach(Action<Server> action) => Array.ForEach(_servers, action);
}
