using System.Buffers;
using System.Buffers.Text;

namespace Resp;

/// <summary>Writes requests: the client's half.</summary>
public static class RespRequestWriter
{
    /// <summary>Begins a request of <paramref name="count"/> arguments; that many calls of <see cref="WriteArgument"/> follow.</summary>
    public static void WriteRequestHeader(this IBufferWriter<byte> output, int count) => output.WriteHeader((byte)'*', count);

    /// <summary>One argument, of any octets.</summary>
    public static void WriteArgument(this IBufferWriter<byte> output, ReadOnlySpan<byte> argument)
    {
        output.WriteHeader((byte)'$', argument.Length);
        output.Write(argument);
        output.Write("\r\n"u8);
    }

    private static void WriteHeader(this IBufferWriter<byte> output, byte marker, int value)
    {
        Span<byte> room = output.GetSpan(16);
        room[0] = marker;
        Utf8Formatter.TryFormat(value, room[1..], out int length);
        room[length + 1] = (byte)'\r';
        room[length + 2] = (byte)'\n';
        output.Advance(length + 3);
    }
}
