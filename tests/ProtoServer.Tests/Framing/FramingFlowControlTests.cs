using ProtoServer.Testing;

namespace ProtoServer.Tests.Framing;

public class FramingFlowControlTests
{
    [Fact]
    public void Peer_ThatDoesNotRead_StopsDeliveryInTheMiddleOfABuffer()
    {
        LinesForTests lines = new((protocol, line) => protocol.Send(line));
        MemoryTransport transport = Connect(lines);
        transport.SetWriteBufferLimits(highBytes: 4, lowBytes: 2);
        transport.PeerReads = false;

        transport.Receive("aa\nbb\ncc\ndd\n"u8);

        Assert.Equal(["aa", "bb"], lines.Lines);
        Assert.Equal(6, transport.UnconsumedBytes);
        Assert.False(transport.IsReading);
        transport.Receive("ee\n"u8);
        Assert.Equal(2, lines.Lines.Count);

        Assert.Equal("aa\nb"u8, transport.ReadSent(4));
        Assert.Equal(["aa", "bb", "cc"], lines.Lines);
        transport.PeerReads = true;
        transport.RunPending();
        Assert.Equal(["aa", "bb", "cc", "dd", "ee"], lines.Lines);
    }

    [Fact]
    public void Eof_WhileThePeerDoesNotRead_ComesAfterEveryLineWasAnswered()
    {
        LinesForTests lines = new((protocol, line) => protocol.Send(line));
        MemoryTransport transport = Connect(lines);
        transport.SetWriteBufferLimits(0);
        transport.PeerReads = false;

        transport.Receive("aa\nbb\nta"u8);
        transport.ReceiveEof();
        List<byte> read = [];
        for (int round = 0; round < 10; round++)
        {
            read.AddRange(transport.ReadSent());
        }

        Assert.Equal("aa\nbb\nta\n"u8, read.ToArray());
        Assert.True(transport.EofSent);
    }

    [Fact]
    public void ReadingPausedByTheProtocol_IsNotResumedByAPeerThatReads()
    {
        LinesForTests lines = new((protocol, line) =>
        {
            protocol.PauseReading();
            protocol.Send(line);
        });
        MemoryTransport transport = Connect(lines);
        transport.SetWriteBufferLimits(0);
        transport.PeerReads = false;

        transport.Receive("aa\nbb\n"u8);
        transport.ReadSent();
        Assert.Equal(["aa"], lines.Lines);

        lines.ResumeReading();
        transport.RunPending();
        Assert.Equal(["aa", "bb"], lines.Lines);
    }

    [Fact]
    public void ReadingResumedByTheProtocol_WaitsForAPeerThatDoesNotRead()
    {
        LinesForTests lines = new((protocol, line) => protocol.Send(line));
        MemoryTransport transport = Connect(lines);
        transport.SetWriteBufferLimits(0);
        transport.PeerReads = false;
        transport.Receive("aa\nbb\n"u8);

        lines.PauseReading();
        lines.ResumeReading();
        transport.RunPending();

        Assert.Equal(["aa"], lines.Lines);
    }

    [Fact]
    public void Delivery_AfterThePeersEofIsKnown_StillStopsAtAPause()
    {
        // A transport may say IsReading == false once it has seen the EOF, while it still hands out what came before.
        LinesForTests lines = new((protocol, _) => protocol.PauseReading());
        EofSeenTransport transport = new();
        ((IProtocol)lines).ConnectionMade(transport);
        transport.Protocol = lines;
        System.Buffers.ReadOnlySequence<byte> data = new("aa\nbb\n"u8.ToArray());

        SequencePosition consumed = ((IBufferedProtocol)lines).DataReceived(data);
        Assert.Equal(3, data.Slice(0, consumed).Length);

        lines.ResumeReading();
        consumed = ((IBufferedProtocol)lines).DataReceived(data.Slice(consumed));
        Assert.Equal(6, data.Slice(0, consumed).Length);
        Assert.Equal(["aa", "bb"], lines.Lines);
    }

    [Fact]
    public void Delivery_AfterThePeersEofIsKnown_GoesOn()
    {
        LinesForTests lines = new((_, _) => { });
        EofSeenTransport transport = new();
        ((IProtocol)lines).ConnectionMade(transport);
        transport.Protocol = lines;

        ((IBufferedProtocol)lines).DataReceived(new("aa\nbb\n"u8.ToArray()));

        Assert.Equal(["aa", "bb"], lines.Lines);
    }

    [Fact]
    public void Connection_HandedOverInALine_GivesTheRestToTheSuccessor()
    {
        LinesForTests second = new((_, _) => { });
        LinesForTests first = new((protocol, line) =>
        {
            if (line == "switch")
            {
                protocol.Transport.Protocol = second;
            }
        });
        MemoryTransport transport = Connect(first);
        ((IProtocol)second).ConnectionMade(transport);

        transport.Receive("one\nswitch\ntwo\nthr"u8);
        transport.Receive("ee\n"u8);

        Assert.Equal(["one", "switch"], first.Lines);
        Assert.Equal(["two", "three"], second.Lines);
    }

    [Fact]
    public void Connection_AbortedInALine_DeliversNoMore()
    {
        LinesForTests lines = new((protocol, _) => protocol.Transport.Abort());
        MemoryTransport transport = Connect(lines);

        transport.Receive("one\ntwo\n"u8);

        Assert.Equal(["one"], lines.Lines);
        Assert.True(transport.Aborted);
    }

    [Fact]
    public void Transport_BeforeConnectionMade_SaysWhenToUseIt()
    {
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => new LinesForTests((_, _) => { }).Transport);

        Assert.Contains("ConnectionMade", exception.Message);
    }

    [Fact]
    public void Exception_InALine_LosesTheConnectionAndNoLineFollows()
    {
        LinesForTests lines = new((_, _) => throw new NotSupportedException("mine"));
        RecordingProtocol recorder = RecordingProtocol.Around(lines);
        MemoryTransport transport = new(recorder);
        transport.Connect();

        Assert.Throws<NotSupportedException>(() => transport.Receive("one\ntwo\n"u8));

        Assert.Equal(["one"], lines.Lines);
        Assert.IsType<NotSupportedException>(recorder.LostException);
    }

    private static MemoryTransport Connect(IProtocol protocol)
    {
        MemoryTransport transport = new(protocol);
        transport.Connect();
        return transport;
    }
}
