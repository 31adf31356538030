using System.Buffers;
using System.Text;
using ProtoServer;
using ProtoServer.LoadTest.Content;

namespace LoadTest.Tests.CommandLine;

/// <summary>SET and GET, each connection with keys of its own.</summary>
internal sealed class TinyStore : IBufferedProtocol
{
    private readonly Dictionary<string, string> _values = [];
    private ITransport? _transport;

    public void ConnectionMade(ITransport transport) => _transport = transport;

    public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
    {
        byte[] bytes = data.ToArray();
        int at = 0;
        while (at < bytes.Length && RespReply.Measure(bytes.AsSpan(at)) is > 0 and int length)
        {
            Answer(Encoding.ASCII.GetString(bytes, at, length).Split("\r\n"));
            at += length;
        }
        return data.GetPosition(at);
    }

    public void ConnectionLost(Exception? exception)
    {
        // The values go with it.
    }

    private void Answer(string[] parts)
    {
        if (parts[2] == "SET")
        {
            _values[parts[4]] = parts[6];
            _transport!.Write("+OK\r\n"u8);
            return;
        }
        string reply = _values.TryGetValue(parts[4], out string? value) ? $"${value.Length}\r\n{value}\r\n" : "$-1\r\n";
        _transport!.Write(Encoding.ASCII.GetBytes(reply));
    }
}
