using System.Text;

namespace ProtoServer.Tests.Framing;

/// <summary>Lines that a test answers by a delegate, with the protected members in reach.</summary>
internal sealed class LinesForTests(Action<LinesForTests, string> received) : LineProtocol
{
    public List<string> Lines { get; } = [];

    public Action<LinesForTests>? WritingPaused { get; init; }

    public new ITransport Transport => base.Transport;

    public void Send(ReadOnlySpan<byte> line) => SendLine(line);

    public void Send(string line) => SendLine(line);

    public new void PauseReading() => base.PauseReading();

    public new void ResumeReading() => base.ResumeReading();

    protected override void PauseWriting()
    {
        WritingPaused?.Invoke(this);
        base.PauseWriting();
    }

    protected override void LineReceived(ReadOnlySpan<byte> line)
    {
        Lines.Add(Encoding.Latin1.GetString(line));
        received(this, Lines[^1]);
    }
}
