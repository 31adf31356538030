using System.Text;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Testing;

/// <summary>The examples of docs/TESTING.md, run; a last test compares this file with the page.</summary>
public class TestingPageTests
{
    [Fact]
    public void Connection_WithoutANetwork()
    {
        var transport = new MemoryTransport(new ShoutProtocol());
        transport.Connect();

        transport.Receive("hel"u8);
        transport.Receive("lo\nwor"u8);
        Assert.Equal("HELLO\n"u8, transport.ReadSent());

        transport.ReceiveEof();
        Assert.Equal("WOR\n"u8, transport.ReadSent());
        Assert.True(transport.EofSent);
    }

    [Fact]
    public void Peer_ThatDoesNotRead()
    {
        var transport = new MemoryTransport(new ShoutProtocol()) { PeerReads = false };
        transport.SetWriteBufferLimits(highBytes: 4, lowBytes: 0);
        transport.Connect();

        transport.Receive("one\ntwo\nthree\n"u8);
        Assert.Equal(8, transport.WriteBufferSize);
        Assert.Equal(6, transport.UnconsumedBytes);

        Assert.Equal("ONE\nTWO\n"u8, transport.ReadSent());
        Assert.Equal("THREE\n"u8, transport.ReadSent());
    }

    [Fact]
    public void Cuts_OfEveryFrame()
    {
        var verifier = new FramingVerifier(log => new LoggedLines(log) { MaxLineBytes = 8 }) { EofInsideFrame = EofInsideFrame.Delivers };

        verifier.Verify(
            [new FramingVector("one\r\n"u8, "one"), new FramingVector("\n"u8, ""), new FramingVector("12345678\n"u8, "12345678")],
            violations: ["123456789\n"u8.ToArray()]);
    }

    [Fact]
    public void Order_OfCallbacks()
    {
        var recorder = RecordingProtocol.Around(new ShoutProtocol());
        var transport = new MemoryTransport(recorder);
        transport.Connect();
        transport.Receive("x\n"u8);
        transport.Lose(new IOException("reset by peer"));

        recorder.Verify();
        Assert.Equal([ProtocolCallback.ConnectionMade, ProtocolCallback.DataReceived, ProtocolCallback.ConnectionLost], recorder.Callbacks);
        Assert.IsType<IOException>(recorder.LostException);
    }

    [Fact]
    public void Examples_OfThePage_AreTheCodeAbove()
    {
        string code = Flat(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TestingPageTests.cs")));
        string[] examples = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TESTING.md")).Split("```csharp\n")[1..];

        Assert.Equal(5, examples.Length);
        Assert.All(examples, example => Assert.Contains(Flat(example.Split("```")[0]), code));

        static string Flat(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));
    }

    private sealed class ShoutProtocol : LineProtocol
    {
        protected override void LineReceived(ReadOnlySpan<byte> line) => SendLine(Encoding.UTF8.GetString(line).ToUpperInvariant());
    }
}

internal sealed class LoggedLines(DeliveryLog log) : LineProtocol
{
    protected override void LineReceived(ReadOnlySpan<byte> line)
    {
        log.Add(line);
        SendLine(line);
    }
}
