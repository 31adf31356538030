using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using ProtoServer;

namespace Tour;

/// <summary>The endless loop inside the iterator: as in aiokafka, the consumer just iterates, and each step waits until the connection brings a message.</summary>
internal static class Consumer
{
    public static void Run(TextWriter output) => EventLoop.Run(async loop =>
    {
        var messages = Channel.CreateBounded<string>(16);
        await using Server server = loop.CreateServer(() => new Inbound(messages.Writer), "127.0.0.1", 0);

        LoopTask consumer = loop.CreateTask(
            async token =>
            {
                await foreach (string message in messages.Reader.ReadAllAsync(token))
                {
                    output.WriteLine($"consumed {message}");
                    if (message == "last")
                    {
                        output.WriteLine("waiting for the next one, for ever");
                    }
                }
            },
            "consumer");

        using var producer = new TcpClient();
        await producer.ConnectAsync("127.0.0.1", server.Port);
        foreach (string message in (string[])["first", "second", "last"])
        {
            await producer.GetStream().WriteAsync(Encoding.ASCII.GetBytes(message + "\n"));
            await Task.Delay(TimeSpan.FromMilliseconds(20), loop.TimeProvider);
        }
        consumer.Cancel();
        await Task.WhenAny(consumer.Task);
        output.WriteLine($"the consumer ended: {consumer.Status}");
    });

    // A full queue stops the reading, and so in the end the sender: nothing is dropped, nothing piles up.
    private sealed class Inbound(ChannelWriter<string> messages) : LineProtocol
    {
        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            ValueTask written = messages.WriteAsync(Encoding.ASCII.GetString(line));
            if (!written.IsCompletedSuccessfully)
            {
                Transport.PauseReading();
                _ = ResumeWhenWritten(written);
            }
        }

        private async Task ResumeWhenWritten(ValueTask written)
        {
            await written;
            Transport.ResumeReading();
        }
    }
}
