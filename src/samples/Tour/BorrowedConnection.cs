using ProtoServer;

namespace Tour;

/// <summary>async with is await using: setup and teardown may await, and teardown happens whatever happens in between.</summary>
internal static class BorrowedConnection
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        await using (Connection connection = await Connection.AcquireAsync(loop, output))
        {
            output.WriteLine(connection.Query("SELECT ..."));
        }

        try
        {
            await using Connection connection = await Connection.AcquireAsync(loop, output);
            throw new InvalidOperationException("a bad query");
        }
        catch (InvalidOperationException exception)
        {
            output.WriteLine($"failed: {exception.Message}");
        }
    });

    private sealed class Connection(EventLoop loop, TextWriter output) : IAsyncDisposable
    {
        private int _queries;

        public static async Task<Connection> AcquireAsync(EventLoop loop, TextWriter output)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
            output.WriteLine("acquired");
            return new Connection(loop, output);
        }

        public string Query(string text) => $"query {++_queries}: {text}";

        public async ValueTask DisposeAsync()
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
            output.WriteLine("released");
        }
    }
}
