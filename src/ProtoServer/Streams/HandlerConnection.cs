using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>Runs a handler over a connection: a server's side of <see cref="StreamConnection"/>. Loop thread only.</summary>
#pragma warning disable CA1001 // EndAsync disposes the streams: it runs exactly once, whichever way the connection ends.
internal sealed class HandlerConnection(Server server, ConnectionContext connection, Func<StreamConnection, Task> handler) : IServedConnection
#pragma warning restore CA1001
{
    private readonly StreamConnection _streams = new(server.Loop, connection, ((IConnectionOwner)server).ConnectionOptions);
    private bool _stopping;
    private bool _ending;

    public int OwnerIndex { get; set; }

    public void Start() => _ = RunAsync();

    // The handler is asked to end; one that does not listen is cut off.
    public void Close()
    {
        if (!_stopping)
        {
            _stopping = true;
            _streams.Shutdown(alsoReads: true);
            server.Loop.CallLater(((IConnectionOwner)server).ConnectionOptions.CloseTimeout, static handler => handler.CutOff(), this);
        }
    }

    public void Abort()
    {
        _streams.Abort();
        _streams.Shutdown(alsoReads: false);
        // Without waiting for the handler: one that waits for something else than its connection must not keep the server from ending.
        _ = EndAsync();
    }

    public bool TellDraining()
    {
        _streams.Shutdown(alsoReads: false);
        return false;
    }

    public bool IsQuiet(int iterations) => _streams.IsQuiet(iterations);

    public override string ToString() => $"handler of {_streams.RemoteEndPoint}";

    private async Task RunAsync()
    {
        try
        {
            await handler(_streams);
        }
        catch (OperationCanceledException) when (_streams.ShutdownToken.IsCancellationRequested)
        {
            // As it was asked to.
        }
        catch (Exception exception)
        {
            Explain(exception);
        }
        await EndAsync();
    }

    private void Explain(Exception exception)
    {
        if (exception is ProtocolViolationException || (exception is TimeoutException && exception == _streams.Missed) || (exception is IOException or ConnectionAbortedException && _streams.IsLost))
        {
            server.Loop.TryLog(LogLevel.Debug, null, $"{this}: {exception.Message}");
            return;
        }
        server.Loop.Report("A connection's handler threw; its connection is aborted.", exception, CallName.Of(handler), this);
        _streams.Abort();
    }

    private void CutOff()
    {
        if (!_ending)
        {
            Abort();
        }
    }

    private async Task EndAsync()
    {
        if (_ending)
        {
            return;
        }
        _ending = true;
        try
        {
            await _streams.DisposeAsync();
        }
        catch (Exception exception)
        {
            server.Loop.Report("Closing a connection failed.", exception, null, this);
        }
        ((IConnectionOwner)server).OnEnded(this);
    }
}
