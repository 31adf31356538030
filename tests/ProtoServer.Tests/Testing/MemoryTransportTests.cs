using System.Buffers;
using ProtoServer.Testing;

namespace ProtoServer.Tests.Testing;

public class MemoryTransportTests
{
    [Fact]
    public void Connection_FromBeginToEnd_FollowsTheGrammar()
    {
        RecordingProtocol protocol = new();
        MemoryTransport transport = new(protocol);

        transport.Connect();
        transport.Receive("ab"u8);
        transport.ReceiveEof();

        Assert.Equal([ProtocolCallback.ConnectionMade, ProtocolCallback.DataReceived, ProtocolCallback.EofReceived, ProtocolCallback.ConnectionLost], protocol.Callbacks);
        Assert.Null(protocol.LostException);
        Assert.True(transport.EofSent);
        protocol.Verify();
    }

    [Fact]
    public void Writing_AboveAndBelowTheMarks_PausesAndResumesOnce()
    {
        RecordingProtocol protocol = new();
        MemoryTransport transport = new(protocol) { PeerReads = false };
        transport.SetWriteBufferLimits(highBytes: 4, lowBytes: 2);
        transport.Connect();

        transport.Write("1234"u8);
        Assert.DoesNotContain(ProtocolCallback.PauseWriting, protocol.Callbacks);
        transport.Write("5"u8);
        transport.Write("6"u8);
        Assert.Equal(6, transport.WriteBufferSize);
        Assert.Equal("123"u8, transport.ReadSent(3));
        Assert.DoesNotContain(ProtocolCallback.ResumeWriting, protocol.Callbacks);
        Assert.Equal("4"u8, transport.ReadSent(1));

        Assert.Equal([ProtocolCallback.ConnectionMade, ProtocolCallback.PauseWriting, ProtocolCallback.ResumeWriting], protocol.Callbacks);
    }

    [Fact]
    public void Close_WithUnreadOutput_EndsWhenThePeerHasReadIt()
    {
        RecordingProtocol protocol = new();
        MemoryTransport transport = new(protocol) { PeerReads = false };
        transport.Connect();
        transport.Write("bye"u8);

        transport.Close();
        transport.Write("dropped"u8);
        transport.RunPending();
        Assert.DoesNotContain(ProtocolCallback.ConnectionLost, protocol.Callbacks);

        Assert.Equal("bye"u8, transport.ReadSent());
        Assert.Contains(ProtocolCallback.ConnectionLost, protocol.Callbacks);
    }

    [Fact]
    public void Abort_WithUnreadOutput_DropsIt()
    {
        RecordingProtocol protocol = new();
        MemoryTransport transport = new(protocol) { PeerReads = false };
        transport.Connect();
        transport.Write("lost"u8);

        transport.Abort();
        Assert.DoesNotContain(ProtocolCallback.ConnectionLost, protocol.Callbacks);
        transport.RunPending();

        Assert.Empty(transport.ReadSent());
        Assert.Null(protocol.LostException);
        Assert.False(transport.EofSent);
    }

    [Fact]
    public void Reading_Paused_HoldsBytesAndEofBack()
    {
        RecordingProtocol protocol = new();
        MemoryTransport transport = new(protocol);
        transport.Connect();

        transport.PauseReading();
        transport.Receive("ab"u8);
        transport.ReceiveEof();
        Assert.Equal([ProtocolCallback.ConnectionMade], protocol.Callbacks);

        transport.ResumeReading();
        Assert.Equal([ProtocolCallback.ConnectionMade], protocol.Callbacks);
        transport.RunPending();
        Assert.Equal("ab"u8, protocol.Received);
        Assert.Contains(ProtocolCallback.ConnectionLost, protocol.Callbacks);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Memory_KeptBeyondTheCallback_IsOverwritten(bool coalesces)
    {
        KeepingProtocol protocol = new();
        MemoryTransport transport = new(protocol) { Coalesces = coalesces };
        transport.Connect();

        transport.Receive("secret"u8);

        Assert.All(protocol.Kept.ToArray(), value => Assert.Equal(0xDD, value));
        Assert.Equal(6, protocol.Kept.Length);
    }

    [Fact]
    public void Violation_FromACallback_ClosesAfterTheAnswer()
    {
        RecordingProtocol protocol = RecordingProtocol.Around(new Throwing(new ProtocolViolationException("bad")));
        MemoryTransport transport = new(protocol);
        transport.Connect();

        transport.Receive("x"u8);

        Assert.Equal("answer"u8, transport.ReadSent());
        Assert.IsType<ProtocolViolationException>(protocol.LostException);
        Assert.False(transport.Aborted);
    }

    [Fact]
    public void Exception_FromACallback_ReachesProtocolAndTest()
    {
        RecordingProtocol protocol = RecordingProtocol.Around(new Throwing(new FormatException("mine")));
        MemoryTransport transport = new(protocol);
        transport.Connect();

        Assert.Throws<FormatException>(() => transport.Receive("x"u8));

        Assert.IsType<FormatException>(protocol.LostException);
        Assert.True(transport.Aborted);
    }

    [Fact]
    public void Network_Lost_IsWhatTheProtocolHears()
    {
        RecordingProtocol protocol = new();
        MemoryTransport transport = new(protocol);
        transport.Connect();

        transport.Lose(new IOException("reset"));

        Assert.IsType<IOException>(protocol.LostException);
    }

    [Fact]
    public void Write_AfterWriteEof_Throws()
    {
        MemoryTransport transport = new(new RecordingProtocol { KeepOpenAtEof = true });
        transport.Connect();
        transport.Write("last"u8);
        transport.WriteEof();

        Assert.Throws<InvalidOperationException>(() => transport.Write("more"u8));
        Assert.Equal("last"u8, transport.ReadSent());
        Assert.True(transport.EofSent);
    }

    [Fact]
    public void Loop_NotGiven_SaysHowToGiveOne() =>
        Assert.Contains("constructor", Assert.Throws<InvalidOperationException>(() => new MemoryTransport(new RecordingProtocol()).Loop).Message);

    [Fact]
    public void Limits_Inverted_Throw() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryTransport(new RecordingProtocol()).SetWriteBufferLimits(highBytes: 1, lowBytes: 2));

    private sealed class KeepingProtocol : IBufferedProtocol
    {
        public ReadOnlySequence<byte> Kept { get; private set; }

        public void ConnectionMade(ITransport transport)
        {
        }

        public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
        {
            Kept = data;
            return data.End;
        }

        public void ConnectionLost(Exception? exception)
        {
        }
    }

    private sealed class Throwing(Exception exception) : IProtocol
    {
        private ITransport? _transport;

        public void ConnectionMade(ITransport transport) => _transport = transport;

        public void DataReceived(ReadOnlySpan<byte> data)
        {
            _transport!.Write("answer"u8);
            throw exception;
        }

        public void ConnectionLost(Exception? exception)
        {
        }
    }
}
