using System.Net;
using Microsoft.Extensions.Logging;
using ProtoServer;

namespace KeyValue;

/// <summary>A key-value server that listens: what a program starts and stops.</summary>
internal sealed class KeyValueHost : IAsyncDisposable
{
    // Accepted beyond the limit only to be told so, instead of waiting in the backlog without a word.
    private const int RefusedAtOnce = 128;

    private readonly Server _listener;

    private KeyValueHost(KeyValueServer server, Server listener)
    {
        Server = server;
        _listener = listener;
    }

    public KeyValueServer Server { get; }

    public EndPoint EndPoint => _listener.EndPoints[0];

    public int Port => _listener.Port;

    /// <summary>Loop thread: reads the data file and listens.</summary>
    public static KeyValueHost Start(EventLoop loop, KeyValueOptions options, ILoggerFactory loggers)
    {
        KeyValueServer server = new(loop, options, loggers.CreateLogger("KeyValue"));
        try
        {
            Server listener = loop.CreateServer(
                server.CreateSession,
                options.Host is "*" or "" ? null : options.Host,
                options.Port,
                new ServerOptions { MaxConnections = options.MaxClients + RefusedAtOnce, WriteLimitBytes = options.MaxOutputBytes });
            server.Port = listener.Port;
            server.MaxClients = Math.Max(1, Math.Min(options.MaxClients, listener.MaxConnections - RefusedAtOnce));
            server.MostClients = server.MaxClients;
            server.StopRequested = () => _ = listener.ShutdownAsync();
            server.StartTicking();
            return new KeyValueHost(server, listener);
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Serves until a signal or a client ends it; answers what was received whole by then.</summary>
    public async Task RunAsync()
    {
        await _listener.ServeForeverAsync();
    }

    /// <summary>Answers what was received whole, closes all connections, commits what is pending.</summary>
    public async ValueTask DisposeAsync()
    {
        await _listener.ShutdownAsync();
        Server.Dispose();
    }
}
