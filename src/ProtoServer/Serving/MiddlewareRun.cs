using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>One connection on its way through the middleware, and the frame around what is served beyond it. Loop thread only.</summary>
/// <remarks>It counts as a connection until the protocol takes its place; the middleware itself ends after the protocol, and before the connection below is disposed.</remarks>
internal sealed class MiddlewareRun(Server server, ConnectionContext connection, ConnectionDelegate middleware, EpollTransportOptions limits) : IServedConnection
{
    private readonly TaskCompletionSource _served = new();
    private Task _middleware = Task.CompletedTask;
    private Action<ConnectionAbortedException>? _abortBeyond; // the protocol runs, or ran
    private CallHandle? _patience; // with a middleware that does not heed the abort
    private bool _aborted;
    private bool _ended; // the middleware returned
    private bool _over; // the server counts it no more

    /// <summary>The end of every chain: the protocol.</summary>
    public static ConnectionDelegate Last { get; } = static context => context.Features.Get<MiddlewareRun>() is { } run
        ? run.GoOn(context)
        : throw new InvalidOperationException("A middleware passed on a ConnectionContext without the Features of the one that it was given.");

    public int OwnerIndex { get; set; }

    private TimeSpan CloseTimeout => ((IConnectionOwner)server).ConnectionOptions.CloseTimeout;

    public void Start()
    {
        connection.Features.Set(this);
        _middleware = RunAsync();
    }

    // There is nothing to send yet that would be worth waiting for.
    public void Close() => Abort();

    public void Abort()
    {
        if (!_aborted)
        {
            _aborted = true;
            connection.Abort(new ConnectionAbortedException("The server aborted the connection before its protocol was made."));
            _patience = server.Loop.IsClosed ? null : server.Loop.CallLater(CloseTimeout, static run => run.GiveUp(), this);
        }
    }

    // What it is about to become is told; until then only the end of the drain ends it.
    public bool TellDraining() => false;

    public bool IsQuiet(int iterations) => false;

    /// <summary>The protocol is done: the middleware unwinds, then the connection below ends.</summary>
    public async Task EndAsync()
    {
        _served.TrySetResult();
        await _middleware;
        await connection.DisposeAsync();
    }

    public override string ToString() => $"middleware of {connection}";

    private async Task RunAsync()
    {
        Exception? error = null;
        try
        {
            await middleware(connection);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            error = exception;
        }
        if (server.Loop.IsLoopThread)
        {
            Ended(error);
        }
        else
        {
            server.Loop.Post(static call => call.run.Ended(call.error), (run: this, error));
        }
    }

    private void Ended(Exception? error)
    {
        _ended = true;
        if (error is not null && !_aborted)
        {
            Explain(error);
        }
        if (_abortBeyond is null)
        {
            _ = EndUnservedAsync(error);
        }
        else if (!_served.Task.IsCompleted)
        {
            // It gave up under the protocol, which needs it.
            _abortBeyond(new ConnectionAbortedException("The middleware below the protocol ended.", error!));
        }
    }

    private void Explain(Exception error)
    {
        if (error is ProtocolViolationException or IOException or ConnectionAbortedException or OperationCanceledException)
        {
            server.Loop.TryLog(LogLevel.Debug, null, $"{this}: {error.Message}");
        }
        else
        {
            server.Loop.Report("A middleware threw; its connection is closed.", error, null, this);
        }
    }

    private async Task EndUnservedAsync(Exception? error)
    {
        CallHandle? deadline = server.Loop.IsClosed ? null : server.Loop.CallLater(CloseTimeout, Abort);
        try
        {
            if (error is not null and not ProtocolViolationException)
            {
                Abort();
            }
            await connection.DisposeAsync();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            server.Loop.Report("Closing a connection failed.", exception, null, this);
        }
        deadline?.Cancel();
        _patience?.Cancel();
        End();
    }

    private void GiveUp()
    {
        server.Loop.Report($"A middleware did not end within {CloseTimeout} of its connection's abort; it is given up.", new TimeoutException("The middleware did not end."), null, this);
        End();
    }

    private void End()
    {
        if (!_over)
        {
            _over = true;
            ((IConnectionOwner)server).OnEnded(this);
        }
    }

    // Either half may have been replaced, and a pipe from elsewhere goes on wherever its scheduler says.
    private static bool IsOurs(IDuplexPipe transport) => transport is { Input: EpollReader or LoopReader or ByteLogReader, Output: ISendQueue };

    private Task GoOn(ConnectionContext context)
    {
        if (server.Loop.IsLoopThread)
        {
            GoOnNow(context);
        }
        else
        {
            server.Loop.Post(static call => call.run.GoOnNow(call.context), (run: this, context));
        }
        return _served.Task;
    }

    private void GoOnNow(ConnectionContext context)
    {
        if (_abortBeyond is not null)
        {
            throw new InvalidOperationException("A middleware called the next delegate twice for one connection.");
        }
        if (_ended)
        {
            // The server no longer counts it, or is about to.
            throw new InvalidOperationException("A middleware called the next delegate after it had ended: await the task that next returns.");
        }
        var beyond = new MiddlewareConnection(this, connection, IsOurs(context.Transport) ? context : new LoopConnection(server.Loop, context, limits, ownsInner: false));
        _abortBeyond = beyond.Abort;
        if (_aborted || !server.Replace(this, beyond))
        {
            _abortBeyond = null;
            _served.TrySetResult();
        }
    }
}
