using System.Net.Sockets;
using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Engine;

// Connections: opened before the load at the pace that was asked for, replaced during it, each end counted under its cause.
internal sealed partial class LoadWorker
{
    // At most this many under way per loop: well below the backlog of 512 that servers commonly have.
    private const int ConcurrentConnects = 128;

    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Client> _toRetry = [];
    private int _started;
    private int _ended;
    private int _wanted;
    private long _connectStart;

    /// <summary>Why the last connect failed. Any thread.</summary>
    public string? ConnectFailure { get; private set; }

    /// <summary>Opens all connections, or one to see whether the server is there when requests open their own. Completes when each was made or failed.</summary>
    public Task ConnectAll()
    {
        // Connects between here and the load are part of the measurement: they are what an idle run consists of.
        _measureStart = 0;
        _connectStart = Clock.Now;
        _sample.Index = -1;
        _sample.Start = _connectStart;
        _lastCpu = LoopThread.CpuNanoseconds;
        _wanted = _plan.RequestsPerConnection > 0 ? Math.Min(1, _clients.Length) : _clients.Length;
        if (_wanted == 0)
        {
            _connected.TrySetResult();
        }
        StartConnects();
        return _connected.Task;
    }

    public void CountConnected(long started, long now, bool isReconnect)
    {
        LedgerOf(now)[isReconnect ? Counter.Reconnected : Counter.Connected]++;
        Latencies.Record(_sample.Connect, now - started);
        Volatile.Write(ref _open, _open + 1);
        ConnectEnded();
    }

    public void CountConnectFailed(Exception exception, long now)
    {
        ConnectFailure = exception.Message;
        Count(Classify(exception), now);
        ConnectEnded();
    }

    public void CountDisconnected() => Volatile.Write(ref _open, _open - 1);

    public void ReconnectAfter(TimeSpan pause, Client client)
    {
        if (_running)
        {
            _loop.CallLater(pause, static call => call.worker.RetryNow(call.client), (worker: this, client));
        }
        else
        {
            _toRetry.Add(client);
        }
    }

    private void RetryNow(Client client)
    {
        if (_running)
        {
            client.Retry();
        }
    }

    private void StartConnects()
    {
        if (_plan.ConnectRate is not { } rate)
        {
            while (_started < _wanted && _started - _ended < ConcurrentConnects)
            {
                _clients[_started++].Connect();
            }
            return;
        }
        if (_started < _wanted)
        {
            _clients[_started++].Connect();
            // This loop's connects fall between those of the others.
            double due = ((_started * (double)_plan.Threads) + _index) / rate;
            CallAt(_connectStart + (long)(due * 1e9), static worker => worker.StartConnects());
        }
    }

    private void ConnectEnded()
    {
        if (_connected.Task.IsCompleted)
        {
            return;
        }
        _ended++;
        if (_ended == _wanted)
        {
            _connected.TrySetResult();
        }
        else if (_plan.ConnectRate is null && _started < _wanted)
        {
            // In the next iteration: a connect that fails at once would otherwise call itself.
            _loop.CallSoon(static worker => worker.StartConnects(), this);
        }
    }

    private static Counter Classify(Exception exception) => exception switch
    {
        TimeoutException or OperationCanceledException => Counter.ConnectTimeout,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => Counter.ConnectRefused,
        SocketException { SocketErrorCode: SocketError.TimedOut } => Counter.ConnectTimeout,
        { InnerException: { } inner } => Classify(inner),
        _ => Counter.ConnectFailed,
    };
}
