using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer;

/// <summary>One <c>CreateConnectionAsync</c> or <c>OpenConnectionAsync</c>: resolves, connects, and puts a protocol or streams on the connection. Runs on the loop.</summary>
/// <param name="loop">The loop.</param>
/// <param name="make">What the caller gets for the connection. What it throws is thrown to the caller, and the connection is closed.</param>
/// <param name="options">How to connect.</param>
/// <param name="cancellationToken">The caller's.</param>
internal sealed class Connecting<TResult>(EventLoop loop, Func<ConnectionContext, TResult> make, ClientOptions options, CancellationToken cancellationToken)
{
    private bool _timedOut;

    /// <summary>Any thread: runs <paramref name="connect"/> on the loop, within the time that the options allow.</summary>
    /// <param name="connect">Gets the token to obey.</param>
    /// <param name="target">What to call it in messages.</param>
    public Task<TResult> RunAsync(Func<CancellationToken, Task<ConnectionContext>> connect, string target)
    {
        if (loop.IsLoopThread)
        {
            return RunOnLoopAsync(connect, target);
        }
        var result = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(static call => _ = call.self.RunForAsync(call.connect, call.target, call.result), (self: this, connect, target, result));
        // A loop that closes before it takes the call would keep the caller waiting for ever.
        CancellationTokenRegistration closing = LoopClosing.Of(loop).UnsafeRegister(
            static state => ((TaskCompletionSource<TResult>)state!).TrySetException(new ObjectDisposedException(nameof(EventLoop))),
            result);
        result.Task.ContinueWith(static (_, state) => ((CancellationTokenRegistration)state!).Unregister(), closing, TaskScheduler.Default);
        return result.Task;
    }

    public async Task<ConnectionContext> ConnectAsync(string host, int port, CancellationToken end)
    {
        IPAddress[] addresses = await ResolveAsync(host, end);
        if (options.LocalEndPoint is { } local && addresses.Any(address => address.AddressFamily == local.AddressFamily))
        {
            addresses = [.. addresses.Where(address => address.AddressFamily == local.AddressFamily)];
        }
        EndPoint[] endPoints = [.. AddressOrder.Interleave(addresses).Select(address => new IPEndPoint(address, port))];
        return await ConnectAsync(endPoints, $"{host} port {port}", end);
    }

    public async Task<ConnectionContext> ConnectAsync(IReadOnlyList<EndPoint> endPoints, string target, CancellationToken end)
    {
        var race = new ConnectRace(loop, ConnectorOf(), options.HappyEyeballsDelay);
        try
        {
            if (await race.RunAsync(endPoints, end) is { } connection)
            {
                return connection;
            }
        }
        catch (OperationCanceledException) when (_timedOut)
        {
            throw Failed(target, race.Failures(new TimeoutException($"no answer within {options.ConnectTimeout.TotalSeconds:0.###} s")));
        }
        throw Failed(target, race.Failures(new TimeoutException()));
    }

    public ConnectionContext Adopt(Socket socket) => OwnConnector().Adopt(socket);

    private Func<EndPoint, CancellationToken, Task<ConnectionContext>> ConnectorOf() =>
        options.Transport is { } foreign ? (endPoint, end) => ConnectForeignAsync(foreign, endPoint, end) : OwnConnector().ConnectAsync;

    private ILoopConnector OwnConnector() => loop.TransportKind == TransportKind.Sockets
        ? new SocketsConnector(loop, options.ToEpoll(), options.LocalEndPoint)
        : new EpollConnectionFactory(loop, options.ToEpoll()) { LocalEndPoint = options.LocalEndPoint };

    private async Task<ConnectionContext> ConnectForeignAsync(IConnectionFactory foreign, EndPoint endPoint, CancellationToken end) =>
        new LoopConnection(loop, await foreign.ConnectAsync(endPoint, end), options.ToEpoll());

    private async Task<IPAddress[]> ResolveAsync(string host, CancellationToken end)
    {
        if (IPAddress.TryParse(host, out IPAddress? literal))
        {
            return [literal];
        }
        try
        {
            Task<IPAddress[]> resolving = options.Resolver is { } resolver ? resolver(host, end) : Dns.GetHostAddressesAsync(host, end);
            // The system's resolver blocks a pool thread, and cannot be interrupted: it is left behind.
            IPAddress[] addresses = [.. (await resolving.WaitAsync(end)).Where(static address => address is not null).Distinct()];
            return addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.NoData);
        }
        catch (OperationCanceledException) when (_timedOut)
        {
            throw new ConnectException($"Cannot connect to {host}: its name was not resolved within {options.ConnectTimeout.TotalSeconds:0.###} s.", new TimeoutException());
        }
        catch (Exception exception) when (exception is not OperationCanceledException and not LoopAbortException)
        {
            throw new ConnectException($"Cannot connect to {host}: the name has no address ({exception.Message}).", exception);
        }
    }

    private async Task RunForAsync(Func<CancellationToken, Task<ConnectionContext>> connect, string target, TaskCompletionSource<TResult> result)
    {
        try
        {
            result.TrySetResult(await RunOnLoopAsync(connect, target));
        }
        catch (OperationCanceledException)
        {
            result.TrySetCanceled(cancellationToken);
        }
        catch (Exception exception)
        {
            result.TrySetException(exception);
        }
    }

    private async Task<TResult> RunOnLoopAsync(Func<CancellationToken, Task<ConnectionContext>> connect, string target)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CancellationToken closing = LoopClosing.Of(loop);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing);
        CallHandle? timer = options.ConnectTimeout == Timeout.InfiniteTimeSpan ? null : loop.CallLater(options.ConnectTimeout, () =>
        {
            _timedOut = true;
            end.Cancel();
        });
        ConnectionContext connection;
        try
        {
            connection = await connect(end.Token);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(closing.IsCancellationRequested, loop);
            throw new ConnectException($"Cannot connect to {target} within {options.ConnectTimeout.TotalSeconds:0.###} s.", new TimeoutException());
        }
        finally
        {
            timer?.Cancel();
        }
        return Serve(connection);
    }

    private TResult Serve(ConnectionContext connection)
    {
        try
        {
            // Too late for the race, in time for the caller: who cancelled gets no connection.
            cancellationToken.ThrowIfCancellationRequested();
            return make(connection);
        }
        catch
        {
            // Not awaited: a foreign transport may take its time.
            _ = DiscardAsync(connection);
            throw;
        }
    }

    private async Task DiscardAsync(ConnectionContext connection)
    {
        try
        {
            await connection.DisposeAsync();
        }
        catch (Exception exception) when (exception is not LoopAbortException)
        {
            loop.Report("Closing a connection failed.", exception, null, connection);
        }
    }

    private static ConnectException Failed(string target, IReadOnlyList<ConnectFailure> failures) =>
        new($"Cannot connect to {target}: {string.Join("; ", failures.Select(static failure => $"{failure.EndPoint}: {Reason(failure.Error)}"))}.", failures);

    // The kernel's own words are enough beside the address.
    private static string Reason(Exception error) => error.Message.LastIndexOf(": ", StringComparison.Ordinal) is var colon and >= 0 && error is SocketException
        ? error.Message[(colon + 2)..].TrimEnd('.')
        : error.Message.TrimEnd('.');
}
