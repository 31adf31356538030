using System.Collections.Concurrent;
using ProtoServer.SpecVectors;

namespace LineEcho.Tests;

public sealed class SpecVectorTests(SpecVectorTests.Servers servers) : IClassFixture<SpecVectorTests.Servers>
{
    private static readonly IReadOnlyList<SpecVector> s_vectors = SpecFile.Read(Path.Combine(AppContext.BaseDirectory, "protocol-spec.md"), "LineEcho");

    public static TheoryData<string> Names => [.. s_vectors.Select(vector => vector.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vector_SentWhole_GetsWhatThePageSays(string name) => await RunAsync(name, int.MaxValue);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vector_SentByteByByte_GetsWhatThePageSays(string name) => await RunAsync(name, 1);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vector_SentInOddPieces_GetsWhatThePageSays(string name) => await RunAsync(name, 997);

    private async Task RunAsync(string name, int pieceBytes)
    {
        SpecVector vector = s_vectors.Single(vector => vector.Name == name);
        SampleProcess server = await servers.WithAsync(vector.Arguments);
        await SpecConnection.RunAsync(vector, server.EndPoint, pieceBytes, TimeSpan.FromSeconds(60));
    }

    /// <summary>One server for each set of arguments.</summary>
    public sealed class Servers : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, Lazy<Task<SampleProcess>>> _byArguments = new();

        public Task<SampleProcess> WithAsync(IReadOnlyList<string> arguments) =>
            _byArguments.GetOrAdd(string.Join(' ', arguments), _ => new(() => SampleProcess.ListenAsync("LineEcho", arguments))).Value;

        public async ValueTask DisposeAsync()
        {
            foreach (Lazy<Task<SampleProcess>> server in _byArguments.Values)
            {
                await (await server.Value).DisposeAsync();
            }
        }
    }
}
