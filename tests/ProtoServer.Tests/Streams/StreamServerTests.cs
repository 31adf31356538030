using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using ProtoServer.Testing;

namespace ProtoServer.Tests;

/// <summary>Handlers on the loop, on every transport: the conformance list's group T.</summary>
public abstract class StreamServerTests : IDisposable
{
    private readonly TestLoop _test;
    private readonly List<IDisposable> _cleanUp = [];

    private protected StreamServerTests(TransportKind kind) => _test = new TestLoop(new EventLoopOptions { Transport = kind });

    private protected virtual ServerOptions Adapt(ServerOptions options) => options;

    private protected virtual async Task<RawPeer> ConnectToAsync(Server server) => await SocketPeer.ConnectAsync(server.Port);

    public void Dispose()
    {
        _cleanUp.ForEach(static item => item.Dispose());
        _test.Dispose();
        GC.SuppressFinalize(this);
    }

    private Server Serve(Func<StreamConnection, Task> handler, ServerOptions? options = null) => _test.Loop.StartServer(handler, "127.0.0.1", 0, Adapt(options ?? new ServerOptions()));

    private async Task<RawPeer> ConnectAsync(Server server)
    {
        RawPeer peer = await ConnectToAsync(server);
        _cleanUp.Add(peer);
        return peer;
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Handler_ReadsAndWrites_StaysOnTheLoop()
    {
        bool onLoop = true;
        Server server = Serve(async connection =>
        {
            while (true)
            {
                ReadResult result = await connection.Input.ReadAsync();
                onLoop &= EventLoop.Current == _test.Loop;
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    await connection.Output.WriteAsync(segment);
                    onLoop &= EventLoop.Current == _test.Loop;
                }
                connection.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        });
        RawPeer peer = await ConnectAsync(server);
        byte[] sent = new byte[1_000_000];
        new Random(1).NextBytes(sent);
        Task sending = Task.Run(() => peer.SendAsync(sent));
        Assert.Equal(sent, await peer.ReceiveExactlyAsync(sent.Length));
        await sending.Within();
        peer.HalfClose();
        Assert.Empty(await peer.ReceiveToEndAsync());
        Assert.True(onLoop);
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T1")]
    public async Task Input_AdvancedPartly_OffersTheRestAsPipelinesSays()
    {
        var seen = new List<string>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(async connection =>
        {
            ReadResult result = await connection.Input.ReadAtLeastAsync(6);
            seen.Add(Text(result));
            connection.Input.AdvanceTo(result.Buffer.GetPosition(2), result.Buffer.End);
            bool immediate = connection.Input.TryRead(out _);
            seen.Add(immediate ? "immediate" : "waits");
            Task<ReadResult> next = connection.Input.ReadAsync().AsTask();
            await connection.Output.WriteAsync("more"u8.ToArray());
            result = await next;
            seen.Add(Text(result));
            connection.Input.AdvanceTo(result.Buffer.GetPosition(1));
            seen.Add(connection.Input.TryRead(out result) ? Text(result) : "nothing");
            connection.Input.AdvanceTo(result.Buffer.End);
            Task<ReadResult> cancelled = connection.Input.ReadAsync().AsTask();
            connection.Input.CancelPendingRead();
            result = await cancelled;
            seen.Add(result.IsCanceled ? "cancelled" : "read");
            connection.Input.AdvanceTo(result.Buffer.End);
            done.SetResult();
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("abcdef");
        await peer.ReceiveTextAsync(4);
        await peer.SendAsync("g");
        await done.Task.Within();
        Assert.Equal(["abcdef", "waits", "cdefg", "defg", "cancelled"], await _test.RunAsync(() => seen.ToArray()));
    }

    [Fact, Trait("Conformance", "T2")]
    public async Task Input_NeverConsumed_StopsAtTheLimit()
    {
        var outcome = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(
            async connection =>
            {
                try
                {
                    while (true)
                    {
                        ReadResult result = await connection.Input.ReadAsync();
                        connection.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                    }
                }
                catch (Exception exception)
                {
                    outcome.SetResult(exception);
                    throw;
                }
            },
            new ServerOptions { InputLimitBytes = 100_000, LingerTimeout = TimeSpan.Zero });
        RawPeer peer = await ConnectAsync(server);
        Task sending = Task.Run(() => peer.SendAsync(new byte[3_000_000]));
        Assert.IsType<ProtocolViolationException>(await outcome.Task.Within());
        await Record.ExceptionAsync(() => sending.Within());
        await peer.EndAsync();
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T4")]
    public async Task Input_SecondConcurrentRead_ThrowsAndTheConnectionLives()
    {
        var outcome = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(async connection =>
        {
            ValueTask<ReadResult> first = connection.Input.ReadAsync();
            outcome.SetResult(await Record.ExceptionAsync(() => connection.Input.ReadAsync().AsTask()));
            ReadResult result = await first;
            await connection.Output.WriteAsync(result.Buffer.First);
            connection.Input.AdvanceTo(result.Buffer.End);
        });
        RawPeer peer = await ConnectAsync(server);
        Assert.IsType<InvalidOperationException>(await outcome.Task.Within());
        await peer.SendAsync("alive");
        Assert.Equal("alive", await peer.ReceiveTextAsync(5));
    }

    [Fact, Trait("Conformance", "T5")]
    public async Task Reset_WhileReading_FailsTheReadAndIsNotReported()
    {
        var outcome = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(async connection =>
        {
            try
            {
                ValueTask<ReadResult> read = connection.Input.ReadAsync();
                started.SetResult();
                await read;
            }
            catch (Exception exception)
            {
                outcome.SetResult(exception);
                throw;
            }
        });
        RawPeer peer = await ConnectAsync(server);
        await started.Task.Within();
        peer.Reset();
        Assert.IsType<ConnectionResetException>(await outcome.Task.Within());
        await Deadlines.UntilAsync(() => server.Connections == 0, "no connection");
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T5"), Trait("Conformance", "T6"), Trait("Conformance", "T7")]
    public async Task Flush_PeerDoesNotRead_WaitsAndEndsWhenThePeerIsGone()
    {
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var outcome = new TaskCompletionSource<(bool, bool, bool)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(async connection =>
        {
            byte[] chunk = new byte[256 * 1024];
            Task<FlushResult> first;
            do
            {
                first = connection.Output.WriteAsync(chunk).AsTask();
                await Task.Delay(TimeSpan.FromMilliseconds(20), _test.Loop.TimeProvider);
            }
            while (first.IsCompleted);
            Task<FlushResult> second = connection.Output.FlushAsync().AsTask();
            waiting.SetResult();
            outcome.SetResult(((await first).IsCompleted, (await second).IsCompleted, (await connection.Output.WriteAsync(chunk)).IsCompleted));
        });
        RawPeer peer = await ConnectAsync(server);
        await waiting.Task.Within();
        peer.Reset();
        Assert.Equal((true, true, true), await outcome.Task.Within());
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T8")]
    public async Task Handler_Throws_IsReportedAndItsConnectionEnds()
    {
        Server server = Serve(static async connection =>
        {
            await connection.Input.ReadAsync();
            throw new InvalidDataException("mine");
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("go");
        await peer.EndAsync();
        await Deadlines.UntilAsync(() => _test.Reports.Count == 1 && server.Connections == 0, "one report, no connection");
        Assert.IsType<InvalidDataException>(_test.Reports[0].Exception);
    }

    [Fact, Trait("Conformance", "T8")]
    public async Task Shutdown_HandlerWaitsForInput_IsCancelledNotReported()
    {
        Server server = Serve(static async connection =>
        {
            await foreach (string line in connection.ReadLinesAsync())
            {
                await connection.WriteLineAsync(line.ToUpperInvariant());
            }
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("one\r\ntwo\nrest");
        Assert.Equal("ONE\nTWO\n", await peer.ReceiveTextAsync(8));
        DrainReport report = await server.ShutdownAsync(TimeSpan.FromSeconds(8)).Within();
        Assert.Equal((1, 0), (report.Closed, report.Aborted));
        Assert.True(report.Elapsed < TimeSpan.FromSeconds(4), $"the drain took {report.Elapsed}");
        Assert.False(await peer.EndAsync());
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T8")]
    public async Task Shutdown_HandlerIgnoresIt_IsAbortedAtTheDeadline()
    {
        var never = new TaskCompletionSource();
        Server server = Serve(_ => never.Task);
        RawPeer peer = await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 1, "a connection");
        DrainReport report = await server.ShutdownAsync(TimeSpan.FromMilliseconds(50)).Within();
        Assert.Equal(1, report.Aborted);
        await peer.EndAsync();
    }

    [Fact, Trait("Conformance", "T5")]
    public async Task AbortClients_HandlerWaitsForInput_ItsReadFailsAndTheHandlerEnds()
    {
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(async connection =>
        {
            try
            {
                await connection.Input.ReadAsync();
            }
            catch (Exception exception)
            {
                failed.SetResult(exception);
                throw;
            }
        });
        RawPeer peer = await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection");
        server.AbortClients();
        Assert.IsType<ConnectionAbortedException>(await failed.Task.Within());
        await peer.EndAsync();
        await _test.IterationsAsync();
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T2")]
    public async Task Flush_NeverAwaited_CutsThePeerOffAtTheLimit()
    {
        const int limit = 256 * 1024, most = 16 * 1024 * 1024;
        var outcome = new TaskCompletionSource<(long Written, Exception Failure)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(
            async connection =>
            {
                // Asked to, since a reset may overtake the connect itself.
                await connection.ReadLineAsync();
                Task<string?> reading = connection.ReadLineAsync().AsTask();
                string line = new('x', 32 * 1024);
                long written = 0;
                while (written < most && !reading.IsCompleted)
                {
                    _ = connection.WriteLineAsync(line).AsTask();
                    written += line.Length;
                    await Task.Yield();
                }
                try
                {
                    await reading;
                }
                catch (Exception exception)
                {
                    outcome.SetResult((written, exception));
                    throw;
                }
            },
            new ServerOptions { WriteLimitBytes = limit });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("go\n");
        (long written, Exception failure) = await outcome.Task.Within();
        Assert.InRange(written, limit, most - 1);
        Assert.Contains("does not read", Assert.IsType<ConnectionAbortedException>(failure).Message, StringComparison.Ordinal);
        await peer.EndAsync();
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T9")]
    public async Task Handler_ReturnsWithUnreadInput_OutputIsSentFirst()
    {
        byte[] answer = new byte[300_000];
        new Random(2).NextBytes(answer);
        Server server = Serve(async connection =>
        {
            ReadResult result = await connection.Input.ReadAsync();
            connection.Input.AdvanceTo(result.Buffer.Start);
            connection.Output.Write(answer);
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("never read");
        Assert.Equal(answer, await peer.ReceiveToEndAsync());
        Assert.Empty(_test.Reports);
    }

    [Fact, Trait("Conformance", "T11")]
    public async Task ReadLines_LastLineWithoutEnd_CountsAsALine()
    {
        var lines = new List<string>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server server = Serve(async connection =>
        {
            await foreach (string line in connection.ReadLinesAsync())
            {
                lines.Add(line);
            }
            done.SetResult();
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("one\r\n\ntwo\nthree");
        peer.HalfClose();
        await done.Task.Within();
        Assert.Equal(["one", "", "two", "three"], lines);
    }

    [Fact, Trait("Conformance", "T8")]
    public async Task Shutdown_CallbackOnItsTokenThrows_IsReportedAndEveryConnectionEnds()
    {
        Server server = Serve(static async connection =>
        {
            connection.ShutdownToken.Register(static () => throw new InvalidDataException("callback"));
            await connection.Input.ReadAsync();
        });
        await ConnectAsync(server);
        await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 2, "two connections");
        DrainReport report = await server.ShutdownAsync(TimeSpan.FromSeconds(10)).Within();
        Assert.Equal((2, 0), (report.Closed, report.Aborted));
        Assert.Equal(2, _test.Reports.Count);
        Assert.All(_test.Reports, static reported => Assert.IsType<InvalidDataException>(reported.Exception));
    }

    [Fact, Trait("Conformance", "T8")]
    public async Task Shutdown_CallbackOnALinkedTokenThrows_IsReportedAsItself()
    {
        Server server = Serve(static async connection =>
        {
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(connection.ShutdownToken);
            linked.Token.Register(static () => throw new InvalidDataException("callback"));
            await connection.Input.ReadAsync(CancellationToken.None);
        });
        await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection");
        await server.ShutdownAsync(TimeSpan.FromSeconds(10)).Within();
        Assert.IsType<InvalidDataException>(Assert.Single(_test.Reports).Exception);
    }

    [Fact, Trait("Conformance", "T8")]
    public async Task Shutdown_CallbackOnItsTokenLeavesTheLoop_TheLoopIsLeft()
    {
        Server server = Serve(static async connection =>
        {
            connection.ShutdownToken.Register(static () => throw new LoopAbortException("leave"));
            await connection.Input.ReadAsync();
        });
        await ConnectAsync(server);
        await Deadlines.UntilAsync(() => server.Connections == 1, "the connection");
        await server.ShutdownAsync(TimeSpan.FromSeconds(10)).Within();
        await Deadlines.UntilAsync(() => _test.Reports.Count == 1, "the loop's report");
        Assert.Contains("left the loop", _test.Reports[0].Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Conformance", "T9")]
    public async Task Flush_CancelledBeforeItBegan_CountsNothingAgainstThePeer()
    {
        byte[] answer = new byte[300_000];
        new Random(3).NextBytes(answer);
        Server server = Serve(
            async connection =>
            {
                connection.Output.Write(answer);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connection.Output.FlushAsync(new CancellationToken(canceled: true)).AsTask());
                await connection.Output.FlushAsync(CancellationToken.None);
            },
            new ServerOptions { WriteLimitBytes = 200_000 });
        RawPeer peer = await ConnectAsync(server);
        Assert.Equal(answer, await peer.ReceiveToEndAsync());
        Assert.Empty(_test.Reports);
    }

    [Fact]
    public async Task ReadLine_TooLong_EndsTheConnectionWithoutAReport()
    {
        Server server = Serve(static async connection =>
        {
            connection.LineLimitBytes = 5;
            while (await connection.ReadLineAsync() is { } line)
            {
                await connection.WriteLineAsync(line);
            }
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("12345\r\n123456\n");
        Assert.Equal("12345\n", await peer.ReceiveTextAsync(6));
        await peer.EndAsync();
        Assert.Empty(_test.Reports);
    }

    [Fact]
    public async Task AsStream_ReadAndWrite_AreTheConnection()
    {
        Server server = Serve(static async connection =>
        {
            await using Stream stream = connection.AsStream();
            byte[] buffer = new byte[5];
            await stream.ReadExactlyAsync(buffer);
            await stream.WriteAsync(buffer);
            Assert.Throws<NotSupportedException>(() => stream.ReadByte());
        });
        RawPeer peer = await ConnectAsync(server);
        await peer.SendAsync("hello");
        Assert.Equal("hello", System.Text.Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
        Assert.Empty(_test.Reports);
    }

    [Fact]
    public async Task AsStream_WriteWithoutWaiting_IsSentByFlush()
    {
        Server server = Serve(static async connection =>
        {
            Stream stream = connection.AsStream();
            stream.Write("hello"u8);
            stream.Flush();
            await connection.Input.ReadAsync();
        });
        RawPeer peer = await ConnectAsync(server);
        Assert.Equal("hello", await peer.ReceiveTextAsync(5));
        Assert.Empty(_test.Reports);
    }

    private static string Text(ReadResult result) => System.Text.Encoding.ASCII.GetString(result.Buffer.ToArray());
}

/// <summary>On the loop's default transport.</summary>
public sealed class EpollStreamTests() : StreamServerTests(TransportKind.Automatic);

/// <summary>On the portable transport.</summary>
public sealed class SocketsStreamTests() : StreamServerTests(TransportKind.Sockets);

/// <summary>On pipes in memory.</summary>
public sealed class MemoryStreamTests() : StreamServerTests(TransportKind.Automatic)
{
    private readonly MemoryNetwork _network = new(bufferBytes: 16 * 1024);

    private protected override ServerOptions Adapt(ServerOptions options) => options.On(_network);

    private protected override async Task<RawPeer> ConnectToAsync(Server server) => new MemoryPeer(await _network.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port)));
}
