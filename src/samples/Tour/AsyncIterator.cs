using ProtoServer;

namespace Tour;

/// <summary>__aiter__ and __anext__ are GetAsyncEnumerator and MoveNextAsync. Only a step that has to fetch waits; a ValueTask costs nothing for the others.</summary>
internal static class AsyncIterator
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        await foreach (string row in new Cursor(loop, output))
        {
            output.WriteLine(row);
        }
    });

    private sealed class Cursor(EventLoop loop, TextWriter output) : IAsyncEnumerable<string>, IAsyncEnumerator<string>
    {
        private const int Rows = 4;

        private readonly Queue<string> _buffer = [];
        private int _fetched;

        public string Current { get; private set; } = "";

        public IAsyncEnumerator<string> GetAsyncEnumerator(CancellationToken cancellationToken = default) => this;

        public async ValueTask<bool> MoveNextAsync()
        {
            if (_buffer.Count == 0)
            {
                await PrefetchAsync();
                if (_buffer.Count == 0)
                {
                    return false;
                }
            }
            Current = _buffer.Dequeue();
            return true;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async Task PrefetchAsync()
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
            for (int i = 0; i < 2 && _fetched < Rows; i++)
            {
                _buffer.Enqueue($"row {++_fetched}");
            }
            output.WriteLine($"prefetched {_buffer.Count}");
        }
    }
}
