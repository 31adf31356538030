using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>Listening sockets and the connections that came in by them: what <c>CreateServer</c> returns.</summary>
/// <remarks>
/// Any thread for all members; what changes something takes effect on the loop's thread, at once when called there. Nothing in it can hang: each wait ends by the drain timeout at the latest.
/// Stays alive without a reference while it listens. Source: <see href="https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.Server">asyncio.Server</see>.
/// </remarks>
public sealed partial class Server : IConnectionOwner, IAsyncDisposable
{
    private const int RoundsForConnections = 8; // of the 16 that a closing loop makes

    private readonly ConnectionServing _serve;
    private readonly ServerOptions _options;
    private readonly IReadOnlyList<IConnectionListener> _listeners;
    private readonly ConnectionDelegate? _middleware; // null: none
    private readonly EpollTransportOptions _limits;
    private readonly List<IServedConnection> _connections = [];
    private readonly AddressCounter? _addresses; // null: no limit for one address
    private readonly List<AddressKey> _keys = []; // of _connections, where there is such a limit
    private readonly ExecutionContext? _context = CallContext.Capture();
    private readonly int _maxConnections;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _givenUp = new(); // listeners from elsewhere are waited for no longer; not disposed, it has neither a timer nor a wait handle
    private readonly Action _forgetClosing;
    private CallHandle? _patience; // with such listeners
    private TaskCompletionSource? _room; // completed when accepting may go on
    private int _accepting; // accept loops and listeners that have not ended
    private int _count;
    private bool _serving;
    private bool _paused;
    private bool _ending;
    private volatile bool _closing;

    /// <param name="loop">The loop.</param>
    /// <param name="serve">What becomes of a connection.</param>
    /// <param name="listeners">Owned from now on.</param>
    /// <param name="options">Validated.</param>
    /// <param name="share">One of how many servers that share the cap of connections.</param>
    /// <param name="addresses">The connections per address, shared with the others.</param>
    internal Server(EventLoop loop, ConnectionServing serve, IReadOnlyList<IConnectionListener> listeners, ServerOptions options, int share = 1, AddressCounter? addresses = null)
    {
        Loop = loop;
        _serve = serve;
        _limits = options.ToEpoll();
        _middleware = options.BuildMiddleware(MiddlewareRun.Last);
        _listeners = listeners;
        _options = options;
        _maxConnections = (int)((Math.Min(options.MaxConnections, DescriptorLimit.ForConnections()) + (long)share - 1) / share);
        _addresses = addresses ?? AddressCounter.For(options);
        EndPoints = [.. listeners.Select(static listener => listener.EndPoint)];
        _forgetClosing = loop.OnClosing(CloseWithLoop);
    }

    /// <summary>The loop that accepts and serves.</summary>
    public EventLoop Loop { get; }

    /// <summary>The addresses bound, with their real ports.</summary>
    public IReadOnlyList<EndPoint> EndPoints { get; }

    /// <summary>The first TCP port; 0 when there is none.</summary>
    public int Port => EndPoints.OfType<IPEndPoint>().FirstOrDefault()?.Port ?? 0;

    /// <summary>Open connections, those included that are being closed.</summary>
    public int Connections => Volatile.Read(ref _count);

    /// <summary>Connections accepted so far.</summary>
    public long TotalConnections { get; private set; }

    /// <summary>Connections closed at once because of <see cref="ServerOptions.MaxConnectionsPerAddress"/>; they count among <see cref="TotalConnections"/>.</summary>
    public long RejectedConnections { get; private set; }

    /// <summary>The cap in force: <see cref="ServerOptions.MaxConnections"/>, or less where the limit of open files asks for it.</summary>
    public int MaxConnections => _maxConnections;

    /// <summary>Whether new connections are accepted: it listens, and is neither closed nor paused.</summary>
    public bool IsServing => _serving && !_closing && !_paused;

    ConnectionOptions IConnectionOwner.ConnectionOptions => _options;

    /// <summary>Listens and accepts; needed only after <see cref="ServerOptions.StartServing"/> was false. Again, it does nothing.</summary>
    /// <exception cref="ObjectDisposedException">The server is closed.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The address is in use.</exception>
    public void StartServing()
    {
        ObjectDisposedException.ThrowIf(_closing, this);
        if (_serving)
        {
            return;
        }
        foreach (ILoopListener listener in _listeners.OfType<ILoopListener>())
        {
            listener.Listen();
        }
        _serving = true;
        OnLoop(BeginAccepting);
    }

    /// <summary>Accepts no more until <see cref="ResumeAccepting"/>: clients wait in the backlog. Connections that are open go on.</summary>
    public void PauseAccepting() => OnLoop(() => _paused = true);

    /// <summary>Undoes <see cref="PauseAccepting"/>.</summary>
    public void ResumeAccepting() => OnLoop(() =>
    {
        _paused = false;
        MakeRoom();
    });

    /// <summary>Stops listening: new connects are refused. Open connections go on, see <see cref="CloseClients"/>. Again, it does nothing.</summary>
    public void Close()
    {
        _closing = true;
        OnLoop(CloseListeners);
    }

    /// <summary>Closes every connection, each as <see cref="ITransport.Close"/> does: what is queued is sent first.</summary>
    public void CloseClients() => OnLoop(() => ForEachConnection(static connection => connection.Close()));

    /// <summary>Resets every connection at once, as <see cref="ITransport.Abort"/> does.</summary>
    public void AbortClients() => OnLoop(() => ForEachConnection(static connection => connection.Abort()));

    /// <summary>Completes when the server is closed and its last connection has ended; at once when that is so already.</summary>
    /// <param name="cancellationToken">Ends this wait only.</param>
    public Task WaitClosedAsync(CancellationToken cancellationToken = default) => _closed.Task.WaitAsync(cancellationToken);

    /// <summary>Drains with <see cref="ServerOptions.DrainTimeout"/>.</summary>
    public async ValueTask DisposeAsync() => await ShutdownAsync().ConfigureAwait(false);

    /// <inheritdoc/>
    public override string ToString() => $"server on {string.Join(", ", EndPoints)}";

    void IConnectionOwner.OnEnded(IServedConnection connection)
    {
        int last = _connections.Count - 1;
        IServedConnection moved = _connections[last];
        _connections[connection.OwnerIndex] = moved;
        moved.OwnerIndex = connection.OwnerIndex;
        _connections.RemoveAt(last);
        if (_addresses is not null)
        {
            _addresses.Leave(_keys[connection.OwnerIndex]);
            _keys[connection.OwnerIndex] = _keys[last];
            _keys.RemoveAt(last);
        }
        Volatile.Write(ref _count, last);
        MakeRoom();
        CompleteIfClosed();
    }

    private void OnLoop(Action action)
    {
        if (Loop.MayCallDirectly)
        {
            action();
        }
        else
        {
            Loop.Post(static action => action(), action);
        }
    }

    /// <summary>It could not begin to serve: the loop forgets it.</summary>
    internal void Forget() => _forgetClosing();

    private void BeginAccepting()
    {
        if (_closing)
        {
            return;
        }
        Loop.TryLog(LogLevel.Information, null, $"Listening on {string.Join(" and ", EndPoints)}; at most {_maxConnections} connections.");
        foreach (IConnectionListener listener in _listeners)
        {
            _accepting++;
            // On the loop, also when the server was made before the loop runs.
            Loop.Post(
                static call =>
                {
                    // The values of whoever created the server flow from here to each factory call.
                    CallContext.Restore(call.server._context);
                    _ = call.server.AcceptAsync(call.listener);
                },
                (server: this, listener));
        }
    }

    private void CloseListeners()
    {
        if (_ending)
        {
            return;
        }
        foreach (IConnectionListener listener in _listeners)
        {
            _ = UnbindAsync(listener);
        }
        BeginPatience();
        MakeRoom();
        CompleteIfClosed();
    }

    private async Task UnbindAsync(IConnectionListener listener)
    {
        _accepting++;
        try
        {
            await listener.UnbindAsync().AsTask().WaitAsync(_givenUp.Token);
        }
        catch (OperationCanceledException) when (_givenUp.IsCancellationRequested)
        {
            // Reported already.
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report("Closing a listener failed.", exception, null, this);
        }
        _accepting--;
        CompleteIfClosed();
    }

    // Nothing that a transport from elsewhere does may keep the server from ending.
    private void BeginPatience()
    {
        if (!Loop.IsClosed && _listeners.Any(static listener => listener is not ILoopListener))
        {
            _patience ??= Loop.CallLater(_options.CloseTimeout, static server => server.GiveListenersUp(), this);
        }
    }

    private void EndPatience()
    {
        _patience?.Cancel();
        _patience = null;
    }

    private void GiveListenersUp()
    {
        _patience = null;
        if (_accepting > 0 || _ending)
        {
            Loop.Report($"A listener did not end within {_options.CloseTimeout} of its server's close; it is given up.", new TimeoutException("The transport did not end its listener."), null, this);
            _givenUp.Cancel();
        }
    }

    // The loop goes away under us: its connections are aborted by their transport.
    private void CloseWithLoop()
    {
        if (_draining)
        {
            _aborted = Math.Max(_aborted, _connections.Count);
        }
        Close();
        AbortClients();
        CompleteWithLoop(this, RoundsForConnections);
    }

    // What a transport completes on other threads finds no loop to come back to: a few rounds for the connections, then it is over all the same.
    private static void CompleteWithLoop(Server server, int rounds)
    {
        if (rounds == 0)
        {
            server.SetClosed();
        }
        else
        {
            server.Loop.Post(static call => CompleteWithLoop(call.server, call.rounds - 1), (server, rounds));
        }
    }

    private void ForEachConnection(Action<IServedConnection> action)
    {
        // A copy: an end may come inside the call.
        foreach (IServedConnection connection in _connections.ToArray())
        {
            action(connection);
        }
    }

    private void CompleteIfClosed()
    {
        if (_closing && _connections.Count == 0 && _accepting == 0 && !_ending)
        {
            _ending = true;
            _ = EndAsync();
        }
    }

    // Disposed last, when no connection is left: a transport from elsewhere may keep what they live on in its listener.
    private async Task EndAsync()
    {
        EndPatience();
        BeginPatience();
        foreach (IConnectionListener listener in _listeners)
        {
            try
            {
                await listener.DisposeAsync().AsTask().WaitAsync(_givenUp.Token);
            }
            catch (OperationCanceledException) when (_givenUp.IsCancellationRequested)
            {
                // Reported already.
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                Loop.Report("Disposing a listener failed.", exception, null, this);
            }
        }
        EndPatience();
        if (SetClosed())
        {
            _forgetClosing();
        }
    }
}
