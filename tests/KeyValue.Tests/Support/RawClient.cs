using System.Net;
using System.Net.Sockets;
using System.Text;
using Resp;

namespace KeyValue.Tests.Support;

/// <summary>A client that sends exactly the bytes it is told to.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _chunk = new byte[64 * 1024];
    private readonly RespReplyReader _reader = new();
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    public static async Task<RawClient> ConnectAsync(int port, int? receiveBuffer = null)
    {
        RawClient client = new();
        if (receiveBuffer is int bytes)
        {
            client._socket.ReceiveBufferSize = bytes;
        }
        await client._socket.ConnectAsync(IPAddress.Loopback, port).WaitAsync(Deadline);
        return client;
    }

    public EndPoint LocalEndPoint => _socket.LocalEndPoint!;

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await _socket.SendAsync(bytes).AsTask().WaitAsync(Deadline)..];
        }
    }

    /// <summary>Ends the sending half.</summary>
    public void ShutdownSend() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>One whole reply as it came.</summary>
    public async Task<string> ReadReplyAsync()
    {
        while (true)
        {
            if (_reader.TryRead(_buffer.AsSpan(_start, _end - _start), out RespReply reply))
            {
                string text = Encoding.Latin1.GetString(reply.Bytes);
                _start += reply.Bytes.Length;
                return text;
            }
            if (!await FillAsync())
            {
                throw new EndOfStreamException($"The server closed in the middle of a reply: '{Encoding.Latin1.GetString(_buffer, _start, _end - _start)}'");
            }
        }
    }

    /// <summary>Sends a request and reads its reply.</summary>
    public async Task<string> AskAsync(params string[] arguments)
    {
        await SendAsync(Request(arguments));
        return await ReadReplyAsync();
    }

    /// <summary>Everything until the server closes; a reset throws.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (await FillAsync())
        {
        }
        string text = Encoding.Latin1.GetString(_buffer, _start, _end - _start);
        _start = _end;
        return text;
    }

    /// <summary>A request in the wire's form, an octet per character.</summary>
    public static byte[] Request(params string[] arguments) => Encoding.Latin1.GetBytes(
        $"*{arguments.Length}\r\n" + string.Concat(arguments.Select(argument => $"${argument.Length}\r\n{argument}\r\n")));

    public void Dispose() => _socket.Dispose();

    private async Task<bool> FillAsync()
    {
        int received = await _socket.ReceiveAsync(_chunk).WaitAsync(Deadline);
        if (_buffer.Length - _end < received)
        {
            byte[] target = _buffer.Length < 2 * (_end - _start + received) ? new byte[4 * (_end - _start + received)] : _buffer;
            Array.Copy(_buffer, _start, target, 0, _end - _start);
            (_buffer, _end, _start) = (target, _end - _start, 0);
        }
        _chunk.AsSpan(0, received).CopyTo(_buffer.AsSpan(_end));
        _end += received;
        return received > 0;
    }
}
