using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>The half-iterated generators of one loop. Loop thread only.</summary>
internal sealed class OpenGenerators
{
    private readonly EventLoop _loop;
    private readonly HashSet<OpenGenerator> _open = [];
    private bool _shutDown;

    private OpenGenerators(EventLoop loop)
    {
        _loop = loop;
    }

    public static OpenGenerators Of(EventLoop loop) => loop.Local(static loop => new OpenGenerators(loop));

    public void Add(OpenGenerator generator)
    {
        _loop.VerifyThread();
        _open.Add(generator);
        if (_shutDown)
        {
            _loop.TryLog(LogLevel.Warning, null, $"The async generator {generator.Name} was begun after the loop's generators were shut down: nobody closes it.");
        }
    }

    public void Remove(OpenGenerator generator) => _open.Remove(generator);

    public Task ShutdownAsync()
    {
        _shutDown = true;
        return Task.WhenAll(_open.ToArray().Select(CloseAsync));
    }

    /// <summary>Closes one, reporting what it throws; never throws.</summary>
    public async Task CloseAsync(OpenGenerator generator)
    {
        try
        {
            await generator.CloseAsync().AsTask().WaitAsync(_loop.Options.ShutdownTimeout, _loop.TimeProvider);
        }
        catch (TimeoutException exception)
        {
            _loop.Report($"The async generator {generator.Name} did not close within {_loop.Options.ShutdownTimeout} and is left behind.", exception, null, null);
        }
        catch (Exception exception)
        {
            _loop.Report($"The async generator {generator.Name} failed while it was closed.", exception, null, null);
        }
    }
}
