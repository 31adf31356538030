using System.Net;
using System.Text;
using ProtoServer.SpecVectors;

namespace LineEcho.Tests;

/// <summary>SIGTERM in the middle of a load: nothing that was received goes unanswered, and nobody is reset.</summary>
public class DrainUnderLoadTests
{
    private const int SigTerm = 15;
    private const int Clients = 50;
    private const int WarmBatches = 20; // by each client, before the signal: so that all of them are under way

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task SigTerm_UnderLoad_EveryReceivedLineIsAnsweredAndNobodyIsReset(int linesPerBatch)
    {
        await using SampleProcess server = await SampleProcess.ListenAsync("LineEcho");
        AskingClient[] clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => AskingClient.ConnectAsync(server.EndPoint, number, linesPerBatch)));
        // Each ends by itself when the server ends the connection; a reset is an exception.
        Task load = Task.WhenAll(clients.Select(static client => Task.Run(client.AskUntilTheEndAsync)));
        await Task.WhenAll(clients.Select(static client => client.Warm)).WaitAsync(TimeSpan.FromSeconds(60));

        // On loopback the server's kernel has the bytes when send returns.
        long[] received = [.. clients.Select(static client => client.SentBytes)];
        server.Signal(SigTerm);
        await load.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.All(clients.Zip(received), static pair => Assert.InRange(pair.First.AnsweredBytes, pair.Second, pair.First.SentBytes));
        Assert.Equal(0, await server.WaitForExitAsync());
        Assert.Equal("", server.Errors);
        Array.ForEach(clients, static client => client.Dispose());
    }

    /// <summary>Sends a batch of lines, waits for their echo, and again.</summary>
    private sealed class AskingClient(LineClient connection, int number, int linesPerBatch) : IDisposable
    {
        private readonly TaskCompletionSource _warm = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _sentBytes;

        public Task Warm => _warm.Task;

        public long SentBytes => Volatile.Read(ref _sentBytes);

        public long AnsweredBytes { get; private set; }

        public static async Task<AskingClient> ConnectAsync(EndPoint server, int number, int linesPerBatch) => new(await LineClient.ConnectAsync(server), number, linesPerBatch);

        public async Task AskUntilTheEndAsync()
        {
            try
            {
                for (int batch = 0; ; batch++)
                {
                    byte[] lines = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, linesPerBatch).Select(line => $"client {number} batch {batch} line {line}\n")));
                    await connection.SendAsync(lines);
                    Volatile.Write(ref _sentBytes, _sentBytes + lines.Length);
                    byte[] answer = await connection.ReadUpToAsync(lines.Length);
                    AnsweredBytes += answer.Length;
                    Assert.True(lines.AsSpan().StartsWith(answer), "another answer than the lines that were sent");
                    if (answer.Length < lines.Length)
                    {
                        return;
                    }
                    if (batch == WarmBatches)
                    {
                        _warm.SetResult();
                    }
                }
            }
            catch (Exception exception)
            {
                _warm.TrySetException(exception);
                throw;
            }
        }

        public void Dispose() => connection.Dispose();
    }
}
