using System.Collections.Concurrent;
using KeyValue.Commands;
using ProtoServer.SpecVectors;

namespace KeyValue.Tests;

/// <summary>The page about the protocol, executed; and the command table, found in it.</summary>
public sealed class SpecVectorTests(SpecVectorTests.Servers servers) : IClassFixture<SpecVectorTests.Servers>
{
    private static readonly string Page = Path.Combine(AppContext.BaseDirectory, "protocol-spec.md");
    private static readonly IReadOnlyList<SpecVector> Vectors = SpecFile.Read(Page, "KeyValue");

    public static TheoryData<string> Names => [.. Vectors.Select(vector => vector.Name)];

    public static TheoryData<string> Commands =>
        [.. new CommandTable().All.Where(command => command.Handler is not null && command.Name != "help").Select(command => command.FullName)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vector_SentWhole_GetsWhatThePageSays(string name) => await RunAsync(name, int.MaxValue);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vector_SentByteByByte_GetsWhatThePageSays(string name) => await RunAsync(name, 1);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vector_SentInOddPieces_GetsWhatThePageSays(string name) => await RunAsync(name, 997);

    [Theory]
    [MemberData(nameof(Commands))]
    public void Command_OfTheTable_IsOnThePageWithItsUsageTimeAndVector(string name)
    {
        Command command = new CommandTable().All.Single(row => row.FullName == name);
        string page = File.ReadAllText(Page);

        Assert.Contains($"**`{command.Usage}`** {command.Summary} Time: {command.Complexity.TrimEnd('.')}.", page, StringComparison.Ordinal);
        Assert.Contains(Vectors, vector => vector.Name == name.Replace('|', '-'));
    }

    private async Task RunAsync(string name, int pieceBytes)
    {
        SpecVector vector = Vectors.Single(vector => vector.Name == name);
        SampleProcess server = await servers.WithAsync(vector.Arguments);
        await SpecConnection.RunAsync(vector, server.EndPoint, pieceBytes, TimeSpan.FromSeconds(30));
    }

    /// <summary>One server for each set of arguments.</summary>
    public sealed class Servers : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, Lazy<Task<SampleProcess>>> _byArguments = new();

        public Task<SampleProcess> WithAsync(IReadOnlyList<string> arguments) =>
            _byArguments.GetOrAdd(string.Join(' ', arguments), _ => new(() => SampleProcess.ListenAsync("KeyValue", arguments))).Value;

        public async ValueTask DisposeAsync()
        {
            foreach (Lazy<Task<SampleProcess>> server in _byArguments.Values)
            {
                await (await server.Value).DisposeAsync();
            }
        }
    }
}
