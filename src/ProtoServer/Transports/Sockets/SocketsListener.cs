using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>A listening <see cref="Socket"/> of the runtime's. Made on any thread, used on the loop's; owns the socket.</summary>
/// <remarks>As <see cref="EpollListener"/>: takes connections only for a pending <see cref="AcceptAsync"/>, reports a shortage once, pauses, and goes on by itself.</remarks>
internal sealed class SocketsListener(EventLoop loop, Socket socket, EpollTransportOptions options) : ILoopListener
{
    // More than one per iteration, or a burst of connects costs an iteration each; not all, or it would keep the loop.
    private const int AcceptsPerIteration = 64;

    private readonly CancellationTokenSource _closing = new();
    private Action? _forgetClosing;
    private long _iteration;
    private int _accepted; // in that iteration
    private bool _episode; // a shortage was reported and is not over
    private bool _waiting;

    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <summary>The file of a unix socket that was bound here.</summary>
    public UnixSocketFile? File { get; init; }

    public void Listen()
    {
        try
        {
            socket.Listen(options.Backlog);
        }
        catch (SocketException exception)
        {
            throw SocketsErrors.Refusal("listen on", EndPoint, exception);
        }
    }

    public void ShareAddress() => SocketsTransport.SetReusePort(socket);

    public void CloseUnused()
    {
        if (options.RemoveUnixSocketFile)
        {
            File?.Remove();
        }
        socket.Dispose();
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        loop.VerifyThread();
        if (_waiting)
        {
            throw new InvalidOperationException("An accept is already pending: one at a time.");
        }
        _forgetClosing ??= loop.OnClosing(Close);
        _waiting = true;
        try
        {
            while (!_closing.IsCancellationRequested)
            {
                await YieldAfterABurst();
                if (await TryAcceptAsync(cancellationToken) is { } connection)
                {
                    return connection;
                }
            }
            return null;
        }
        finally
        {
            _waiting = false;
        }
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
        if (!_closing.IsCancellationRequested)
        {
            _forgetClosing?.Invoke();
            CloseUnused();
            _closing.Cancel();
        }
    }

    private async ValueTask YieldAfterABurst()
    {
        if (_iteration != loop.Iterations)
        {
            _iteration = loop.Iterations;
            _accepted = 0;
        }
        if (++_accepted > AcceptsPerIteration)
        {
            await Task.Yield();
        }
    }

    private async ValueTask<ConnectionContext?> TryAcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            Socket accepted = await socket.AcceptAsync(cancellationToken);
            _episode = false;
            return TryServe(accepted);
        }
        catch (Exception exception) when (_closing.IsCancellationRequested && exception is SocketException or ObjectDisposedException)
        {
            return null;
        }
        catch (SocketException exception) when (SocketsErrors.IsOfOneConnection(exception.SocketErrorCode))
        {
            return null;
        }
        catch (SocketException exception)
        {
            await PauseAsync(exception);
            return null;
        }
    }

    // A peer that reset while it waited in the backlog: its socket has no address and takes no option any more.
    private SocketsConnection? TryServe(Socket accepted)
    {
        try
        {
            return new SocketsConnection(loop, accepted, options);
        }
        catch (SocketException)
        {
            accepted.Dispose();
            return null;
        }
    }

    // One report an episode: a shortage lasts, and a log line per attempt would fill the disk on top of it.
    private async Task PauseAsync(SocketException exception)
    {
        if (!_episode)
        {
            _episode = true;
            loop.Report(
                $"Accepting on {EndPoint} failed: {exception.Message}. Accepting pauses for {EpollListener.BackOff.TotalSeconds:F0} s and goes on by itself; waiting clients stay in the backlog.",
                exception,
                null,
                this);
        }
        try
        {
            await Task.Delay(EpollListener.BackOff, loop.TimeProvider, _closing.Token);
        }
        catch (OperationCanceledException)
        {
            // Closed meanwhile.
        }
    }
}
