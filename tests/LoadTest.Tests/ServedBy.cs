using ProtoServer;
using ProtoServer.LoadTest.Plan;
using ProtoServer.LoadTest.Servers;

namespace LoadTest.Tests;

/// <summary>A server on a loop and a port of its own.</summary>
internal sealed class ServedBy : IAsyncDisposable
{
    private readonly EventLoop _loop = EventLoop.Start();
    private readonly Server _server;
    private readonly string? _path;

    public ServedBy(Func<IProtocol> factory, bool unix = false)
    {
        if (unix)
        {
            _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            _server = _loop.CreateUnixServer(factory, _path);
        }
        else
        {
            _server = _loop.CreateServer(factory, "127.0.0.1", 0);
        }
        Target = _path is not null ? new Target(null, 0, _path) : new Target("127.0.0.1", _server.Port, null);
    }

    public ServedBy(FaultPlan faults) : this(faults.CreateProtocol)
    {
    }

    public Target Target { get; }

    public string Address => Target.ToString();

    public Server Server => _server;

    public static ServedBy Echo() => new(new FaultPlan());

    public async ValueTask DisposeAsync()
    {
        await _server.ShutdownAsync(TimeSpan.Zero).Within();
        _loop.Dispose();
        if (_path is not null)
        {
            File.Delete(_path);
        }
    }
}
