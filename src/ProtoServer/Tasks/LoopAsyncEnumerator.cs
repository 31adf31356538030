namespace ProtoServer;

/// <summary>What the user holds of an <see cref="OpenGenerator{T}"/>: the loop holds only the generator itself, so this one is collected when it is dropped, and tells.</summary>
internal sealed class LoopAsyncEnumerator<T>(OpenGenerator<T> generator) : IAsyncEnumerator<T>
{
    ~LoopAsyncEnumerator()
    {
        generator.Dropped();
    }

    public T Current => generator.Current;

    public ValueTask<bool> MoveNextAsync() => generator.MoveNextAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return generator.CloseAsync();
    }
}
