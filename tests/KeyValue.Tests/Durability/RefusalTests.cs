using KeyValue.Tests.Support;
using Microsoft.Data.Sqlite;

namespace KeyValue.Tests.Durability;

/// <summary>Files and options with which no server starts, and what it says instead.</summary>
public sealed class RefusalTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("keyvalue-").FullName;

    private string File => Path.Combine(_folder, "data.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("UPDATE entries SET database=16", "is damaged")]
    [InlineData("INSERT INTO numbers VALUES(3,-1)", "is damaged")]
    [InlineData("INSERT INTO numbers VALUES(16,3)", "is damaged")]
    [InlineData("PRAGMA user_version=9", "use the newer server")]
    public async Task File_ThatNoServerWrote_IsRefusedWithAMessage(string sql, string message)
    {
        await WriteFileAsync("SET a 1");
        using (SqliteConnection connection = new($"Data Source={File};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
        Assert.Contains(message, await RefusedAsync("--data", File), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000, "is damaged")]
    [InlineData(5000, "is damaged")]
    [InlineData(0, "is no SQLite file")]
    public async Task File_WithOctetsOverwritten_IsRefusedWithAMessage(int position, string message)
    {
        await WriteFileAsync("MSET a 1 b 2");
        using (FileStream stream = new(File, FileMode.Open))
        {
            // Cut in the middle, or the head of the first page or of a later one overwritten.
            if (position == 5000)
            {
                stream.SetLength(position);
            }
            else
            {
                stream.Position = position == 0 ? 0 : 4096;
                stream.Write(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF });
            }
        }
        Assert.Contains(message, await RefusedAsync("--data", File), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data", "FOLDER", "is a directory")]
    [InlineData("--data", "FOLDER/none/data.db", "no directory for")]
    [InlineData("--data", "", "--data needs the name of a file")]
    [InlineData("--durability", "always", "name the file")]
    [InlineData("--port", "65536", "--port is from 0 to 65535")]
    [InlineData("--maxclients", "0", "--maxclients is from 1")]
    [InlineData("--max-value", "1gb", "--max-value is a number of bytes from 1048576 to 536870912")]
    [InlineData("--maxmemory", "much", "--maxmemory is a number of bytes")]
    public async Task Option_ThatCannotBe_IsRefusedWithAMessage(string option, string value, string message) =>
        Assert.Contains(message, await RefusedAsync(option, value.Replace("FOLDER", _folder, StringComparison.Ordinal)), StringComparison.Ordinal);

    [Fact]
    public async Task File_OpenInAnotherServer_IsRefusedWithAMessage()
    {
        await using ServerProcess first = await ServerProcess.StartKeyValueAsync("--data", File);
        Assert.Contains("is in use by another server", await RefusedAsync("--data", File), StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_OfAnotherProgram_IsLeftAlone()
    {
        using (SqliteConnection other = new($"Data Source={File};Pooling=False"))
        {
            other.Open();
            using SqliteCommand command = other.CreateCommand();
            command.CommandText = "CREATE TABLE precious(x)";
            command.ExecuteNonQuery();
        }
        Assert.Contains("of another program", await RefusedAsync("--data", File), StringComparison.Ordinal);
    }

    /// <summary>Lets a server carry <paramref name="request"/> out, and end.</summary>
    private async Task WriteFileAsync(string request)
    {
        await using ServerProcess server = await ServerProcess.StartKeyValueAsync("--data", File);
        using RawClient client = await RawClient.ConnectAsync(server.Port);
        await client.SendAsync($"{request}\r\nSHUTDOWN\r\n");
        await client.ReadToEndAsync();
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    /// <summary>Starts a server that must not start, and returns what it says.</summary>
    private static async Task<string> RefusedAsync(params string[] arguments)
    {
        string[] port = arguments.Contains("--port") ? [] : ["--port", "0"];
        (int code, string output) = await Tool.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "KeyValue.dll"), .. port, .. arguments], Deadline);
        Assert.Equal(1, code);
        Assert.DoesNotContain("Unhandled exception", output, StringComparison.Ordinal);
        return output;
    }
}
