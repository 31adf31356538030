using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>One enumeration of a generator. Loop thread only, except for <see cref="OpenGenerator.Dropped"/>.</summary>
internal sealed class OpenGenerator<T> : OpenGenerator
{
    private readonly CancellationTokenSource _cancellation;
    private readonly IAsyncEnumerator<T> _inner;
    private Task<bool>? _moving;

    public OpenGenerator(EventLoop loop, IAsyncEnumerable<T> source, CancellationToken cancellationToken) : base(loop)
    {
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _inner = source.GetAsyncEnumerator(_cancellation.Token);
        Name = CallName.Of(_inner.GetType());
    }

    public override string Name { get; }

    public T Current => _inner.Current;

    public ValueTask<bool> MoveNextAsync()
    {
        Begin();
        ValueTask<bool> move;
        try
        {
            move = _inner.MoveNextAsync();
        }
        catch
        {
            End();
            throw;
        }
        if (move.IsCompletedSuccessfully)
        {
            bool found = move.GetAwaiter().GetResult();
            if (!found)
            {
                End();
            }
            return new ValueTask<bool>(found);
        }
        _moving = FinishMoveAsync(move);
        return new ValueTask<bool>(_moving);
    }

    public override async ValueTask CloseAsync()
    {
        if (_moving is { IsCompleted: false } moving)
        {
            // It cannot be closed in the middle of a step: end the step first.
            Loop.CancelDeferred(_cancellation, nameof(CancellationToken), this);
            await ((Task)moving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
        End();
        await _inner.DisposeAsync();
        _cancellation.Dispose();
    }

    private async Task<bool> FinishMoveAsync(ValueTask<bool> move)
    {
        bool found = false;
        try
        {
            found = await move;
            return found;
        }
        finally
        {
            if (!found)
            {
                End();
            }
        }
    }
}

/// <summary>A generator as the loop holds it, from its first step to its end.</summary>
internal abstract class OpenGenerator(EventLoop loop)
{
    private volatile bool _open;

    public abstract string Name { get; }

    protected EventLoop Loop { get; } = loop;

    public abstract ValueTask CloseAsync();

    public override string ToString() => $"async generator {Name}";

    /// <summary>The finalizer's thread: nobody can move or close it any more.</summary>
    public void Dropped()
    {
        if (!_open)
        {
            return;
        }
        if (Loop.IsClosed)
        {
            Loop.TryLog(LogLevel.Warning, null, $"The async generator {Name} was dropped half-iterated, and its loop is closed: its finally blocks do not run. Use await foreach, or await using.");
            return;
        }
        Loop.Post(
            static generator =>
            {
                generator.Loop.TryLog(LogLevel.Warning, null, $"The async generator {generator.Name} was dropped half-iterated and is closed now. Use await foreach, or await using.");
                _ = OpenGenerators.Of(generator.Loop).CloseAsync(generator);
            },
            this);
    }

    /// <summary>Before each step; the first one makes it known: a generator that never began has nothing to clean up.</summary>
    protected void Begin()
    {
        if (!_open)
        {
            _open = true;
            OpenGenerators.Of(Loop).Add(this);
        }
    }

    protected void End()
    {
        if (_open)
        {
            _open = false;
            OpenGenerators.Of(Loop).Remove(this);
        }
    }
}
