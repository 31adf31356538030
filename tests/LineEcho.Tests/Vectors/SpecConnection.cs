using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ProtoServer.SpecVectors;

/// <summary>A client that runs the steps of a vector, reading all the time so that neither side waits for the other.</summary>
public sealed class SpecConnection : IDisposable
{
    // Beyond, a system call for each byte would take minutes and prove no more.
    private const int SmallPiecesBytes = 70_000;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _deadline;

    // What was expected before a send must have come before it: that is how a vector says that an answer does not wait for what follows.
    private readonly List<(int Bytes, TaskCompletionSource Came)> _gates = [];
    private int _received;

    private SpecConnection(TimeSpan timeout) => _deadline = new CancellationTokenSource(timeout);

    /// <summary>Connects and runs the vector.</summary>
    /// <param name="vector">What to run.</param>
    /// <param name="server">A server that runs with the vector's arguments.</param>
    /// <param name="pieceBytes">How many bytes to send by one write at most.</param>
    /// <param name="timeout">For all of it.</param>
    /// <exception cref="InvalidDataException">The server did something else; the message names the line of the page.</exception>
    public static async Task RunAsync(SpecVector vector, EndPoint server, int pieceBytes, TimeSpan timeout)
    {
        using SpecConnection connection = new(timeout);
        await connection._socket.ConnectAsync(server, connection._deadline.Token);
        Task send = connection.SendAsync(vector, pieceBytes);
        await connection.ExpectAsync(vector);
        await send;
    }

    public void Dispose()
    {
        _deadline.Dispose();
        _socket.Dispose();
    }

    private async Task SendAsync(SpecVector vector, int pieceBytes)
    {
        int expected = 0;
        foreach (SpecStep step in vector.Steps)
        {
            if (step.Action == SpecAction.Expect)
            {
                expected += step.Data.Length;
                continue;
            }

            if (step.Action == SpecAction.ExpectClose)
            {
                continue;
            }

            await ReceivedAsync(expected).WaitAsync(_deadline.Token);
            if (step.Action == SpecAction.HalfClose)
            {
                _socket.Shutdown(SocketShutdown.Send);
                continue;
            }

            for (int start = 0; start < step.Data.Length;)
            {
                int piece = start < SmallPiecesBytes ? pieceBytes : Math.Max(pieceBytes, 1000);
                int length = Math.Min(piece, step.Data.Length - start);
                try
                {
                    await _socket.SendAsync(step.Data.AsMemory(start, length), _deadline.Token);
                }
                catch (SocketException) when (vector.Steps[^1].Action == SpecAction.ExpectClose)
                {
                    // It had closed before the last pieces left; whether it said before what the page says, and ended without a reset, is seen by the reader.
                    return;
                }
                start += length;
            }
        }
    }

    private async Task ExpectAsync(SpecVector vector)
    {
        foreach (SpecStep step in vector.Steps)
        {
            if (step.Action == SpecAction.Expect)
            {
                byte[] actual = new byte[step.Data.Length];
                for (int at = 0; at < actual.Length;)
                {
                    int count = await ReceiveAsync(actual.AsMemory(at), vector, step, $"got {Shown(actual.AsSpan(0, at))}");
                    if (!actual.AsSpan(at, count).SequenceEqual(step.Data.AsSpan(at, count)) || count == 0)
                    {
                        string got = $"got {Shown(actual.AsSpan(0, at + count))}{(count == 0 ? " and the end" : "")}";
                        throw Failed(vector, step, $"expected {Shown(step.Data)}, {got}", null);
                    }

                    at += count;
                    Arrived(count);
                }
            }
            else if (step.Action == SpecAction.ExpectClose)
            {
                byte[] more = new byte[256];
                int count = await ReceiveAsync(more, vector, step, "nothing came");
                if (count > 0)
                {
                    throw Failed(vector, step, $"expected the end, got {Shown(more.AsSpan(0, count))}", null);
                }
            }
        }
    }

    private async Task<int> ReceiveAsync(Memory<byte> buffer, SpecVector vector, SpecStep step, string soFar)
    {
        try
        {
            return await _socket.ReceiveAsync(buffer, _deadline.Token);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            throw Failed(vector, step, $"{soFar}, then {exception.Message}", exception);
        }
    }

    private Task ReceivedAsync(int bytes)
    {
        lock (_gates)
        {
            if (_received >= bytes)
            {
                return Task.CompletedTask;
            }

            TaskCompletionSource came = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _gates.Add((bytes, came));
            return came.Task;
        }
    }

    private void Arrived(int count)
    {
        lock (_gates)
        {
            _received += count;
            foreach ((int _, TaskCompletionSource came) in _gates.Where(gate => gate.Bytes <= _received))
            {
                came.TrySetResult();
            }
        }
    }

    private static InvalidDataException Failed(SpecVector vector, SpecStep step, string what, Exception? inner) =>
        new($"protocol-spec.md, line {step.LineNumber}, {vector}: {what}.", inner);

    private static string Shown(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new("\"");
        foreach (byte value in bytes[..Math.Min(bytes.Length, 100)])
        {
            text.Append(value is >= 0x20 and < 0x7F ? ((char)value).ToString() : $"\\x{value:X2}");
        }

        return text.Append(bytes.Length > 100 ? $"\"... ({bytes.Length} octets)" : "\"").ToString();
    }
}
