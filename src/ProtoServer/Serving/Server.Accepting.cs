using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

// From the listener to what is served.
public sealed partial class Server
{
    private async Task AcceptAsync(IConnectionListener listener)
    {
        while (!_closing)
        {
            ConnectionContext? connection = null;
            try
            {
                await WaitForRoomAsync();
                connection = _closing ? null : listener is ILoopListener ? await listener.AcceptAsync() : await AcceptFromElsewhereAsync(listener);
                if (connection is null)
                {
                    break;
                }
                // It may have come while accepting was paused: then it waits here as it would have in the backlog.
                await WaitForRoomAsync();
                ConnectionContext onLoop = listener is ILoopListener ? connection : new LoopConnection(Loop, connection, _limits);
                if (_closing)
                {
                    onLoop.Abort();
                    await RefuseAsync(onLoop);
                    break;
                }
                Serve(onLoop);
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

    // A task: its awaiter comes back to the loop, whatever thread completes it.
    private async Task<ConnectionContext?> AcceptFromElsewhereAsync(IConnectionListener listener)
    {
        Task<ConnectionContext?> accepting = listener.AcceptAsync().AsTask();
        try
        {
            return await accepting.WaitAsync(_givenUp.Token);
        }
        catch (OperationCanceledException) when (_givenUp.IsCancellationRequested)
        {
            _ = RefuseLateAsync(accepting);
            return null;
        }
    }

    // Not by way of the loop: it may be closed by then, and takes nobody back to itself.
    private async Task RefuseLateAsync(Task<ConnectionContext?> accepting)
    {
        try
        {
            if (await accepting.ConfigureAwait(false) is { } late)
            {
                await late.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Post(static call => call.server.Loop.Report("A listener that was given up failed.", call.exception, null, call.server), (server: this, exception));
        }
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
        AddressKey key = default;
        if (_addresses?.TryEnter(connection.RemoteEndPoint, out key) == false)
        {
            RejectedConnections++;
            if (Loop.Logs(LogLevel.Debug))
            {
                Loop.TryLog(LogLevel.Debug, null, $"A connection from {connection.RemoteEndPoint} is closed: its address has {_options.MaxConnectionsPerAddress} open already.");
            }
            _ = RefuseAsync(connection);
            return;
        }
        IServedConnection? served = _middleware is null ? TryMake(connection) : new MiddlewareRun(this, connection, _middleware, _limits);
        if (served is null)
        {
            // At once, also when the peer is still sending: nobody counts this connection.
            connection.Abort();
            _addresses?.Leave(key);
            _ = RefuseAsync(connection);
            return;
        }
        served.OwnerIndex = _connections.Count;
        _connections.Add(served);
        if (_addresses is not null)
        {
            _keys.Add(key);
        }
        Volatile.Write(ref _count, _connections.Count);
        served.Start();
    }

    // At once, without a linger time: nobody counts this connection, and many of them would be a way around every limit.
    // Bounded: whoever made a connection from elsewhere may hang or throw here, and a server that closes waits for it.
    private async Task RefuseAsync(ConnectionContext connection)
    {
        try
        {
            ValueTask disposal = connection.DisposeAsync();
            if (!disposal.IsCompleted)
            {
                connection.Abort(new ConnectionAbortedException("The server has no room for the connection."));
            }
            await disposal.AsTask().WaitAsync(_options.CloseTimeout, Loop.TimeProvider);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report("Closing a refused connection failed.", exception, null, this);
        }
    }

    /// <summary>The middleware is through: what is served takes its place. Returns whether there is something to serve.</summary>
    internal bool Replace(MiddlewareRun run, ConnectionContext connection)
    {
        if (TryMake(connection) is not { } served)
        {
            return false;
        }
        served.OwnerIndex = run.OwnerIndex;
        _connections[run.OwnerIndex] = served;
        served.Start();
        return true;
    }

    private IServedConnection? TryMake(ConnectionContext connection)
    {
        ExecutionContext? own = ExecutionContext.Capture();
        try
        {
            return _serve.Serve(this, connection);
        }
        catch (LoopAbortException exception)
        {
            Loop.LeaveSoon(exception);
            return null;
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report($"{_serve.Name} threw; the connection is closed.", exception, CallName.Of(_serve.Source), this);
            return null;
        }
        finally
        {
            // What the factory set belongs to this connection, which has captured it.
            CallContext.Restore(own);
        }
    }
}
