using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>One connect(2) under way. Loop thread only; owns the descriptor until a connection takes it over.</summary>
internal sealed class EpollConnectAttempt(EventLoop loop, EndPoint remote, IPEndPoint? local, EpollTransportOptions options, CancellationToken cancellationToken) : IPollHandler
{
    // Between attempts at a unix socket whose backlog is full.
    private static readonly TimeSpan MaxPause = TimeSpan.FromMilliseconds(100);

    // Awaited on the loop, inline: no RunContinuationsAsynchronously.
    private readonly TaskCompletionSource<ConnectionContext> _result = new();
    private CancellationTokenRegistration _cancellation;
    private TimeSpan _pause = TimeSpan.FromMilliseconds(5);
    private CallHandle? _again;
    private Action? _forgetClosing; // while it is not in the poller
    private int _descriptor = -1;
    private int _slot = -1;

    public Task<ConnectionContext> Task => _result.Task;

    public void Start()
    {
        if (loop.IsClosed)
        {
            OnLoopClosing();
            return;
        }
        if (cancellationToken.IsCancellationRequested)
        {
            _result.TrySetCanceled(cancellationToken);
            return;
        }
        try
        {
            _descriptor = ConnectingSocket.Open(remote, local, options);
            if (Connect())
            {
                return;
            }
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Fail(exception);
            return;
        }
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(static state => ((EpollConnectAttempt)state!).Cancel(), this);
        }
    }

    void IPollHandler.OnReady(uint events)
    {
        int errno = SocketNative.GetOption(_descriptor, SocketNative.SolSocket, SocketNative.SocketError);
        if (errno == 0)
        {
            Succeed();
        }
        else
        {
            Fail(Refusal(errno));
        }
    }

    public void OnLoopClosing() => Fail(new ObjectDisposedException(nameof(EventLoop), $"The event loop was closed while connecting to {remote}."));

    // Returns whether it is over already.
    private bool Connect()
    {
        int errno = ConnectingSocket.Connect(_descriptor, remote);
        switch (errno)
        {
            case 0:
                Succeed();
                return true;
            case Errno.InProgress or Errno.Interrupted:
                // Interrupted or not, it goes on in the background, see connect(2).
                _slot = EpollLoop.Of(loop).Poller.Register(_descriptor, EpollNative.Out, this);
                return false;
            case Errno.Again when remote is UnixDomainSocketEndPoint:
                // The backlog is full. On TCP the kernel would try again by itself; here it leaves that to us, without telling when.
                _forgetClosing ??= loop.OnClosing(OnLoopClosing);
                _again = loop.CallLater(_pause, static attempt => attempt.ConnectAgain(), this);
                _pause = _pause * 2 < MaxPause ? _pause * 2 : MaxPause;
                return false;
            default:
                throw Refusal(errno);
        }
    }

    private void ConnectAgain()
    {
        _again = null;
        try
        {
            Connect();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Fail(exception);
        }
    }

    private void Cancel()
    {
        if (loop.IsLoopThread)
        {
            Cancelled();
        }
        else
        {
            loop.Post(static attempt => attempt.Cancelled(), this);
        }
    }

    private void Cancelled()
    {
        if (_descriptor >= 0)
        {
            CloseDescriptor();
            _result.TrySetCanceled(cancellationToken);
        }
    }

    private void Succeed()
    {
        if (ConnectingSocket.IsConnectedToItself(_descriptor, remote))
        {
            Fail(Refusal(Errno.ConnectionRefused));
            return;
        }
        EpollLoop shared = EpollLoop.Of(loop);
        EpollConnection connection;
        try
        {
            if (_slot >= 0)
            {
                shared.Poller.Suspend(_slot, _descriptor);
                shared.Poller.Release(_slot);
                _slot = -1;
            }
            connection = new EpollConnection(shared, _descriptor, options, default, null) { RemoteEndPoint = remote };
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            Fail(exception);
            return;
        }
        _descriptor = -1;
        _cancellation.Unregister();
        _forgetClosing?.Invoke();
        _result.SetResult(connection);
    }

    private void Fail(Exception exception)
    {
        CloseDescriptor();
        _cancellation.Unregister();
        _result.TrySetException(exception);
    }

    private void CloseDescriptor()
    {
        _forgetClosing?.Invoke();
        _again?.Cancel();
        _again = null;
        if (_slot >= 0)
        {
            EpollLoop.Of(loop).Poller.Release(_slot);
            _slot = -1;
        }
        if (_descriptor >= 0)
        {
            _ = SocketNative.Close(_descriptor);
            _descriptor = -1;
        }
    }

    private SocketException Refusal(int errno) => Errno.ToSocketException(errno, $"Cannot connect to {remote}");
}
