using System.Net;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>A listening socket on a loop's epoll set. Made on any thread, used on the loop's; owns the descriptor.</summary>
/// <remarks>
/// Connections are taken from the kernel only for a pending <see cref="AcceptAsync"/>, so none is ever accepted and forgotten: who stops accepting leaves the rest in the backlog.
/// When the machine runs short of descriptors or memory, that is reported once, accepting pauses for <see cref="BackOff"/>, and goes on by itself.
/// </remarks>
internal sealed class EpollListener(EventLoop loop, int descriptor, EndPoint endPoint, EpollTransportOptions options) : ILoopListener, IValueTaskSource<ConnectionContext?>, IPollHandler
{
    // More than one per wake-up, or a burst of connects costs an iteration each; not all, or it would keep the loop.
    private const int AcceptsPerReadiness = 64;

    /// <summary>How long accepting pauses after a shortage. The loop's own timer: a pool timer may need a thread, which needs what we are short of.</summary>
    public static readonly TimeSpan BackOff = TimeSpan.FromSeconds(1);

    private readonly EndPoint? _localOfConnections = endPoint is IPEndPoint { Address: { } address } && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)) ? null : endPoint;
    private int _descriptor = descriptor;
    private int _slot = -1;
    private uint _interest;
    private readonly LoopCompletion _wait = new();
    private ConnectionContext? _accepted;
    private CallHandle? _backOff;
    private int _budget;
    private bool _waiting;
    private bool _suspended; // out of the epoll set, because a hang-up cannot be masked
    private bool _episode; // a shortage was reported and is not over

    public EndPoint EndPoint { get; } = endPoint;

    public int Descriptor => _descriptor;

    /// <summary>The file of a unix socket that was bound here.</summary>
    public UnixSocketFile? File { get; init; }

    private bool IsClosed => _descriptor < 0;

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        loop.VerifyThread();
        cancellationToken.ThrowIfCancellationRequested();
        if (_waiting)
        {
            throw new InvalidOperationException("An accept is already pending: one at a time.");
        }
        if (IsClosed)
        {
            return new ValueTask<ConnectionContext?>((ConnectionContext?)null);
        }
        if (TryAccept() is { } connection)
        {
            return new ValueTask<ConnectionContext?>(connection);
        }
        if (IsClosed)
        {
            // By whoever was told of a shortage just now.
            return new ValueTask<ConnectionContext?>((ConnectionContext?)null);
        }
        _waiting = true;
        _wait.Reset();
        SetInterest(EpollNative.In);
        return cancellationToken.CanBeCanceled ? AcceptCancellableAsync(cancellationToken) : new ValueTask<ConnectionContext?>(this, _wait.Version);
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

    public ValueTask DisposeAsync()
    {
        loop.VerifyThread();
        Close();
        return ValueTask.CompletedTask;
    }

    private void Close()
    {
        if (!IsClosed)
        {
            if (_slot >= 0)
            {
                // By hand: closing takes a descriptor out of the set only where nobody else holds the socket, and a listener may have been handed around.
                if (!_suspended)
                {
                    EpollLoop.Of(loop).Poller.Suspend(_slot, _descriptor);
                }
                EpollLoop.Of(loop).Poller.Release(_slot);
            }
            _backOff?.Cancel();
            CloseUnused();
            Complete(null);
        }
    }

    public void Listen() => ListeningSocket.Listen(_descriptor, EndPoint, options.Backlog);

    public void ShareAddress() => ListeningSocket.ShareAddress(_descriptor, EndPoint);

    public void CloseUnused()
    {
        if (options.RemoveUnixSocketFile)
        {
            // Before the close: afterwards a successor might take the file for stale, and put its own there.
            File?.Remove();
        }
        _ = SocketNative.Close(_descriptor);
        _descriptor = -1;
    }

    void IPollHandler.OnReady(uint events)
    {
        if ((events & EpollNative.HangUp) != 0)
        {
            // Somebody who shares the socket shut it down: it would be told again in every iteration.
            _suspended = true;
            _interest = 0;
            EpollLoop.Of(loop).Poller.Suspend(_slot, _descriptor);
        }
        if (!_waiting)
        {
            SetInterest(0);
            return;
        }
        _budget = AcceptsPerReadiness;
        if (TryAccept() is { } connection)
        {
            // Who awaits goes on inside this call, and takes further ones from AcceptAsync at once while the budget lasts.
            Complete(connection);
        }
        _budget = 0;
    }

    void IPollHandler.OnLoopClosing() => Close();

    ConnectionContext? IValueTaskSource<ConnectionContext?>.GetResult(short token)
    {
        _wait.Verify(token);
        ConnectionContext? accepted = _accepted;
        _accepted = null;
        return accepted;
    }

    ValueTaskSourceStatus IValueTaskSource<ConnectionContext?>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ConnectionContext?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(loop, continuation, state, token, flags);

    private async ValueTask<ConnectionContext?> AcceptCancellableAsync(CancellationToken cancellationToken)
    {
        short version = _wait.Version;
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ => loop.Post(static cancel => cancel(), () =>
            {
                if (_waiting && _wait.Version == version)
                {
                    Complete(null);
                }
            }),
            null);
        ConnectionContext? accepted = await new ValueTask<ConnectionContext?>(this, version);
        return accepted is null && !IsClosed ? throw new OperationCanceledException(cancellationToken) : accepted;
    }

    private void Complete(ConnectionContext? accepted)
    {
        if (_waiting)
        {
            _waiting = false;
            _accepted = accepted;
            _wait.Signal();
        }
    }

    private unsafe EpollConnection? TryAccept()
    {
        byte* native = stackalloc byte[PeerAddress.MaxNativeLength];
        while (_budget > 0)
        {
            _budget--;
            uint length = PeerAddress.MaxNativeLength;
            int accepted = SocketNative.Accept(_descriptor, native, &length, SocketNative.NonBlocking | SocketNative.CloseOnExec);
            if (accepted >= 0)
            {
                if (TryWatch(accepted, new ReadOnlySpan<byte>(native, (int)Math.Min(length, PeerAddress.MaxNativeLength))) is { } connection)
                {
                    _episode = false;
                    return connection;
                }
                break;
            }
            int errno = Marshal.GetLastSystemError();
            if (errno == Errno.Again)
            {
                break;
            }
            if (!Errno.IsOfOneConnection(errno))
            {
                Pause($"Accepting on {EndPoint} failed: {Errno.Text(errno)}.", Errno.ToConnectionException(errno));
                break;
            }
        }
        _budget = 0;
        return null;
    }

    private EpollConnection? TryWatch(int accepted, ReadOnlySpan<byte> address)
    {
        try
        {
            return new EpollConnection(EpollLoop.Of(loop), accepted, options, PeerAddress.Read(address), _localOfConnections);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            _ = SocketNative.Close(accepted);
            Pause($"A connection to {EndPoint} cannot be watched.", exception);
            return null;
        }
    }

    // One report an episode: a shortage lasts, and a log line per attempt would fill the disk on top of it.
    private void Pause(string message, Exception exception)
    {
        SetInterest(0);
        _backOff = loop.CallLater(BackOff, static listener => listener.Unpause(), this);
        if (!_episode)
        {
            _episode = true;
            loop.Report($"{message} Accepting pauses for {BackOff.TotalSeconds:F0} s and goes on by itself; waiting clients stay in the backlog.", exception, null, this);
        }
    }

    private void Unpause()
    {
        _backOff = null;
        if (_waiting)
        {
            SetInterest(EpollNative.In);
        }
    }

    private void SetInterest(uint interest)
    {
        if (IsClosed || interest == _interest || (interest != 0 && _backOff is not null))
        {
            return;
        }
        _interest = interest;
        if (_slot < 0)
        {
            _slot = EpollLoop.Of(loop).Poller.Register(_descriptor, interest, this);
        }
        else if (_suspended)
        {
            _suspended = false;
            EpollLoop.Of(loop).Poller.Resume(_slot, _descriptor, interest);
        }
        else
        {
            EpollLoop.Of(loop).Poller.Modify(_slot, _descriptor, interest);
        }
    }
}
