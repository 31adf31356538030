using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ProtoServer;

/// <summary>A log of every byte of a server's connections as middleware: one event a line, escaped.</summary>
public static class ByteLog
{
    /// <summary>
    /// Logs when a connection begins and ends, and what it receives (<c>&lt;</c>) and sends (<c>&gt;</c>), as in <c>loop 1-7 &lt; 7 "hello\r\n"</c>. Bytes that are not printable ASCII appear as
    /// escapes, so no peer can forge a line. For finding faults: it copies and formats each byte.
    /// </summary>
    /// <param name="options">Where to add it; it logs what passes at its place among the middleware.</param>
    /// <param name="logger">Where to. Used on the loop's thread.</param>
    /// <param name="level">At which level. Nothing is done for connections that begin while it is disabled.</param>
    /// <param name="limitBytes">Bytes shown of one event; of the rest only the number. Default 1024, at least 1.</param>
    public static ServerOptions UseByteLog(this ServerOptions options, ILogger logger, LogLevel level = LogLevel.Debug, int limitBytes = 1024)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(logger);
        ArgumentOutOfRangeException.ThrowIfLessThan(limitBytes, 1);
        return options.Use(next => connection => logger.IsEnabled(level) ? LogAsync(connection, next, line => Write(logger, level, line), limitBytes) : next(connection));
    }

    /// <summary>As in C#: printable ASCII as it is, the usual escapes, <c>\xNN</c> for the rest.</summary>
    internal static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length + 8);
        foreach (byte value in bytes)
        {
            _ = value switch
            {
                (byte)'\r' => text.Append("\\r"),
                (byte)'\n' => text.Append("\\n"),
                (byte)'\t' => text.Append("\\t"),
                (byte)'"' => text.Append("\\\""),
                (byte)'\\' => text.Append("\\\\"),
                >= 0x20 and < 0x7f => text.Append((char)value),
                _ => text.Append("\\x").Append(value.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)),
            };
        }
        return text.ToString();
    }

    private static async Task LogAsync(ConnectionContext connection, ConnectionDelegate next, Action<string> write, int limitBytes)
    {
        string id = connection.ConnectionId;
        void Bytes(char direction, ReadOnlySequence<byte> bytes) =>
            write($"{id} {direction} {bytes.Length} \"{Escape(bytes.Slice(0, Math.Min(limitBytes, bytes.Length)).ToArray())}\"{(bytes.Length > limitBytes ? $" and {bytes.Length - limitBytes} more" : "")}");
        IDuplexPipe plain = connection.Transport;
        write($"{id} open {connection.RemoteEndPoint}");
        var output = new ByteLogWriter(plain.Output, bytes => Bytes('>', bytes), () => write($"{id} > end"));
        connection.Transport = new ByteLogPipe(new ByteLogReader(plain.Input, bytes => Bytes('<', bytes), what => write($"{id} < {what}")), output);
        try
        {
            await next(connection);
        }
        finally
        {
            // Written right before the end, and not flushed by itself any more.
            output.Show();
            connection.Transport = plain;
            write($"{id} closed");
        }
    }

    private static void Write(ILogger logger, LogLevel level, string line)
    {
#pragma warning disable CA2254 // the message is data here: it comes ready made
        logger.Log(level, line);
#pragma warning restore CA2254
    }

    private sealed record ByteLogPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
