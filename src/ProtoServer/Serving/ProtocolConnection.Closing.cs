using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

// The end: regular, by reset, or because the transport is gone.
internal sealed partial class ProtocolConnection
{
    private bool _aborted;
    private bool _finishing;
    private ValueTaskAwaiter _disposal;

    public void Close()
    {
        Loop.VerifyThread();
        if (!_closing)
        {
            _closing = true;
            // At the end of the iteration, never inside the caller: who closes in a callback returns from it before ConnectionLost.
            QueueFlush();
        }
    }

    public void Abort()
    {
        Loop.VerifyThread();
        if (_lost || _aborted)
        {
            return;
        }
        _aborted = true;
        _closing = true;
        _connection.Abort(new ConnectionAbortedException("The connection was aborted by its protocol."));
        if (!_finishing)
        {
            QueueFlush();
        }
    }

    /// <summary>The transport failed, or is gone.</summary>
    private void TransportLost(Exception exception)
    {
        if (_closing)
        {
            return;
        }
        _error ??= exception;
        _closing = true;
        if (Loop.Logs(Microsoft.Extensions.Logging.LogLevel.Debug))
        {
            Loop.TryLog(Microsoft.Extensions.Logging.LogLevel.Debug, null, $"{this}: {exception.Message}");
        }
        Finish();
    }

    /// <summary>Gives the pipes back, waits for the transport to send and close, and tells the protocol.</summary>
    private void Finish()
    {
        _finishing = true;
        _lossWatch.Unregister();
        _deadlines?.Stop();
        try
        {
            _input.Complete();
            // The connection completes its output itself: ours thereby saves a shutdown(2) where close(2) says the same.
            _disposal = _connection.DisposeAsync().GetAwaiter();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report("Closing a connection failed.", exception, null, this);
            _disposal = default;
        }
        if (_disposal.IsCompleted)
        {
            // In a later iteration than the Close, at the earliest.
            Loop.Post(static connection => connection.Disposed(), this);
            return;
        }
        if (Loop.IsClosed)
        {
            // Nothing comes back to a closed loop: what the transport has still to do is its own affair.
            Loop.Post(static connection => connection.End(), this);
            return;
        }
        _deadline = Loop.CallLater(_owner.ConnectionOptions.CloseTimeout, static connection => connection.CloseTimedOut(), this);
        _disposal.UnsafeOnCompleted(Disposed);
    }

    private void CloseTimedOut()
    {
        if (_lost)
        {
            return;
        }
        if (_aborted)
        {
            // A transport from elsewhere may hang, or middleware: that must not keep the server from ending.
            _deadline = null;
            Loop.Report($"A connection did not end within {_owner.ConnectionOptions.CloseTimeout} of its abort; it is given up.", new TimeoutException("The transport did not end the connection."), null, this);
            End();
            return;
        }
        _error ??= new TimeoutException($"The peer did not take what was sent within {_owner.ConnectionOptions.CloseTimeout}.");
        Abort();
        _deadline = Loop.CallLater(_owner.ConnectionOptions.CloseTimeout, static connection => connection.CloseTimedOut(), this);
    }

    private void Disposed()
    {
        if (!Loop.IsLoopThread)
        {
            Loop.Post(static connection => connection.Disposed(), this);
            return;
        }
        try
        {
            _disposal.GetResult();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            _error ??= exception;
        }
        if (!_aborted)
        {
            _error ??= _queue.Error;
        }
        End();
    }

    private void End()
    {
        if (_lost)
        {
            return;
        }
        _lost = true;
        _deadline?.Cancel();
        using Calling call = new(this, nameof(IProtocol.ConnectionLost));
        try
        {
            _protocol.ConnectionLost(_error);
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Loop.Report("A protocol callback threw.", exception, $"{_protocol.GetType().Name}.{nameof(IProtocol.ConnectionLost)}", this);
        }
        finally
        {
            _owner.OnEnded(this);
        }
    }
}
