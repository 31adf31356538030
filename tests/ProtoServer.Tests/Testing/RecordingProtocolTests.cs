using ProtoServer.Testing;

namespace ProtoServer.Tests.Testing;

public class RecordingProtocolTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    public static TheoryData<string> WrongOrders =>
    [
        "D", "E", "L", "P", "R", "MM", "MLM", "MLD", "MLL", "MED", "MEE", "MR", "MPP", "MPRR", "MLE", "MLP", "M0",
    ];

    [Theory]
    [MemberData(nameof(WrongOrders))]
    public void Callbacks_InAWrongOrder_Fail(string order)
    {
        RecordingProtocol protocol = new();
        foreach (char callback in order[..^1])
        {
            Call(protocol, callback);
        }

        protocol.Verify();

        Assert.Throws<ProtocolOrderException>(() => Call(protocol, order[^1]));
        Assert.Throws<ProtocolOrderException>(protocol.Verify);
    }

    [Theory]
    [InlineData("ML")]
    [InlineData("MDDEL")]
    [InlineData("MPRPL")]
    [InlineData("MEPRL")]
    public void Callbacks_InARightOrder_Pass(string order)
    {
        RecordingProtocol protocol = new();
        foreach (char callback in order)
        {
            Call(protocol, callback);
        }

        protocol.Verify();
    }

    [Fact]
    public async Task Callback_OnAnotherThread_Fails()
    {
        RecordingProtocol protocol = new();
        Thread thread = new(() => Call(protocol, 'M'));
        thread.Start();
        Assert.True(thread.Join(s_deadline));

        ProtocolOrderException exception = Assert.Throws<ProtocolOrderException>(() => Call(protocol, 'D'));

        Assert.Contains("another thread", exception.Message);
        await Assert.ThrowsAsync<ProtocolOrderException>(() => protocol.WaitForAsync(ProtocolCallback.ConnectionLost, s_deadline));
    }

    [Fact]
    public async Task Wait_ForWhatComes_Completes()
    {
        RecordingProtocol protocol = new();
        Task made = protocol.WaitForAsync(ProtocolCallback.ConnectionMade, s_deadline);
        Task bytes = protocol.WaitForBytesAsync(2, s_deadline);

        Call(protocol, 'M');
        Call(protocol, 'D');
        Assert.False(bytes.IsCompleted);
        Call(protocol, 'D');

        await made;
        await bytes;
        Assert.Equal("xx"u8.ToArray(), protocol.Received);
    }

    [Fact]
    public async Task Wait_ForWhatDoesNotCome_TellsWhatCame()
    {
        RecordingProtocol protocol = new();
        Call(protocol, 'M');

        TimeoutException exception = await Assert.ThrowsAsync<TimeoutException>(() => protocol.WaitForAsync(ProtocolCallback.ConnectionLost, TimeSpan.FromMilliseconds(1)));

        Assert.Contains("ConnectionMade", exception.Message);
    }

    [Fact]
    public void Around_ABufferedProtocol_RecordsWhatItConsumed()
    {
        RecordingProtocol protocol = RecordingProtocol.Around(new Framing.LinesForTests((_, _) => { }));
        MemoryTransport transport = new(protocol);
        transport.Connect();

        transport.Receive("one\ntw"u8);
        Assert.Equal("one\n"u8, protocol.Received);
        transport.Receive("o\n"u8);
        Assert.Equal("one\ntwo\n"u8, protocol.Received);
    }

    private static void Call(RecordingProtocol protocol, char callback)
    {
        switch (callback)
        {
            case 'M':
                protocol.ConnectionMade(new MemoryTransport(protocol));
                break;
            case 'D':
                protocol.DataReceived("x"u8);
                break;
            case '0':
                protocol.DataReceived([]);
                break;
            case 'E':
                protocol.EofReceived();
                break;
            case 'P':
                protocol.PauseWriting();
                break;
            case 'R':
                protocol.ResumeWriting();
                break;
            case 'L':
                protocol.ConnectionLost(null);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(callback));
        }
    }
}
