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
    private readonly Func<IProtocol> _protocolFactory;
    private readonly ServerOptions _options;
    private readonly IReadOnlyList<IConnectionListener> _listeners;
    private readonly List<ProtocolConnection> _connections = [];
    private readonly int _maxConnections;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action? _forgetClosing;
    private TaskCompletionSource? _room; // completed when accepting may go on
    private int _accepting; // accept loops that have not ended
    private int _count;
    private bool _serving;
    private bool _paused;
    private volatile bool _closing;

    internal Server(EventLoop loop, Func<IProtocol> protocolFactory, IReadOnlyList<IConnectionListener> listeners, ServerOptions options)
    {
        Loop = loop;
        _protocolFactory = protocolFactory;
        _listeners = listeners;
        _options = options;
        _maxConnections = Math.Min(options.MaxConnections, DescriptorLimit.ForConnections());
        EndPoints = [.. listeners.Select(static listener => listener.EndPoint)];
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
        foreach (EpollListener listener in _listeners.OfType<EpollListener>())
        {
            ListeningSocket.Listen(listener.Descriptor, listener.EndPoint, _options.Backlog);
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

    void IConnectionOwner.OnEnded(ProtocolConnection connection)
    {
        int last = _connections.Count - 1;
        ProtocolConnection moved = _connections[last];
        _connections[connection.OwnerIndex] = moved;
        moved.OwnerIndex = connection.OwnerIndex;
        _connections.RemoveAt(last);
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

    private void BeginAccepting()
    {
        if (_closing)
        {
            return;
        }
        _forgetClosing = Loop.OnClosing(CloseWithLoop);
        Loop.TryLog(LogLevel.Information, null, $"Listening on {string.Join(" and ", EndPoints)}; at most {_maxConnections} connections.");
        foreach (IConnectionListener listener in _listeners)
        {
            _accepting++;
            // On the loop, also when the server was made before the loop runs.
            Loop.Post(static call => _ = call.server.AcceptAsync(call.listener), (server: this, listener));
        }
    }

    private async Task AcceptAsync(IConnectionListener listener)
    {
        while (!_closing)
        {
            ConnectionContext? connection = null;
            try
            {
                await WaitForRoomAsync();
                connection = _closing ? null : await listener.AcceptAsync();
                if (connection is null)
                {
                    break;
                }
                // It may have come while accepting was paused: then it waits here as it would have in the backlog.
                await WaitForRoomAsync();
                if (_closing)
                {
                    connection.Abort();
                    await connection.DisposeAsync();
                    break;
                }
                Serve(connection);
            }
            catch (Exception exception) when (exception is not LoopAbortException)
            {
                Loop.Report("Accepting a connection failed; the server goes on.", exception, null, this);
                if (connection is null && !_closing)
                {
                    // The listener itself: an error that stays must not spin.
                    await Task.Delay(EpollListener.BackOff, Loop.TimeProvider);
                }
            }
        }
        _accepting--;
        CompleteIfClosed();
    }

    private async ValueTask WaitForRoomAsync()
    {
        while (!_closing && (_paused || _connections.Count >= _maxConnections))
        {
            _room ??= new TaskCompletionSource();
            await _room.Task;
        }
    }

    private void MakeRoom()
    {
        if (_room is { } room && (_closing || (!_paused && _connections.Count < _maxConnections)))
        {
            _room = null;
            room.SetResult();
        }
    }

    private void Serve(ConnectionContext connection)
    {
        TotalConnections++;
        IProtocol protocol;
        try
        {
            protocol = _protocolFactory() ?? throw new InvalidOperationException("The protocol factory returned null.");
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report("The protocol factory threw; the connection is closed.", exception, CallHandle.NameOf(_protocolFactory), this);
            _ = connection.DisposeAsync();
            return;
        }
        var served = new ProtocolConnection(Loop, connection, protocol, this) { OwnerIndex = _connections.Count };
        _connections.Add(served);
        Volatile.Write(ref _count, _connections.Count);
        served.Start();
    }

    private void CloseListeners()
    {
        foreach (IConnectionListener listener in _listeners)
        {
            _ = listener.DisposeAsync();
        }
        MakeRoom();
        CompleteIfClosed();
    }

    // The loop goes away under us: its connections are aborted by their transport.
    private void CloseWithLoop()
    {
        Close();
        AbortClients();
    }

    private void ForEachConnection(Action<ProtocolConnection> action)
    {
        // A copy: an end may come inside the call.
        foreach (ProtocolConnection connection in _connections.ToArray())
        {
            action(connection);
        }
    }

    private void CompleteIfClosed()
    {
        if (_closing && _connections.Count == 0 && _accepting == 0 && _closed.TrySetResult())
        {
            _forgetClosing?.Invoke();
        }
    }
}
