using System.Buffers;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using ProtoServer;

namespace KeyValue.Tests.Support;

/// <summary>A connection without a network: what a session is fed with, what it wrote, how it ended.</summary>
internal sealed class MemoryTransport : ITransport
{
    private readonly ArrayBufferWriter<byte> _output = new(1024 * 1024);
    private readonly IBufferedProtocol _session;
    private byte[] _unconsumed = [];

    public MemoryTransport(EventLoop loop, IProtocol session, EndPoint? remote = null)
    {
        RemoteEndPoint = remote ?? new IPEndPoint(IPAddress.Loopback, 2);
        Loop = loop;
        Protocol = session;
        _session = (IBufferedProtocol)session;
        session.ConnectionMade(this);
    }

    public EventLoop Loop { get; }

    public IProtocol Protocol { get; set; }

    public EndPoint? LocalEndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 1);

    public EndPoint? RemoteEndPoint { get; }

    public IFeatureCollection Features { get; } = new FeatureCollection();

    public IBufferWriter<byte> Output => _output;

    public bool CanWriteEof => true;

    public bool IsClosing { get; private set; }

    public bool IsReading { get; private set; } = true;

    public long WriteBufferSize => _output.WrittenCount;

    public ProtoServer.ProtocolViolationException? Violation { get; private set; }

    /// <summary>What was written since the last look.</summary>
    public string TakeText()
    {
        string text = Encoding.Latin1.GetString(_output.WrittenSpan);
        _output.ResetWrittenCount();
        return text;
    }

    /// <summary>Forgets what was written.</summary>
    public void Discard() => _output.ResetWrittenCount();

    public void Feed(string text) => Feed(Encoding.Latin1.GetBytes(text));

    /// <summary>Hands bytes to the session as a transport does: what it left before comes first.</summary>
    public void Feed(byte[] bytes)
    {
        _unconsumed = _unconsumed.Length == 0 ? bytes : [.. _unconsumed, .. bytes];
        Offer(new ReadOnlySequence<byte>(_unconsumed));
    }

    /// <summary>The same without a copy and without keeping anything: for measurements.</summary>
    public void FeedAll(in ReadOnlySequence<byte> bytes) => _session.DataReceived(bytes);

    public void FeedEof()
    {
        if (!_session.EofReceived(new ReadOnlySequence<byte>(_unconsumed)))
        {
            Close();
        }
    }

    public void Write(ReadOnlySpan<byte> data) => _output.Write(data);

    public void Write(in ReadOnlySequence<byte> data)
    {
        foreach (ReadOnlyMemory<byte> segment in data)
        {
            _output.Write(segment.Span);
        }
    }

    public void WriteEof() => throw new NotSupportedException("No session needs it.");

    public void Close()
    {
        IsClosing = true;
        IsReading = false;
    }

    public void Abort() => Close();

    public void PauseReading() => IsReading = false;

    public void ResumeReading()
    {
        if (!IsReading && !IsClosing)
        {
            IsReading = true;
            Loop.CallSoon(() => Offer(new ReadOnlySequence<byte>(_unconsumed)));
        }
    }

    public void SetWriteBufferLimits(int? highBytes = null, int? lowBytes = null)
    {
    }

    private void Offer(ReadOnlySequence<byte> data)
    {
        if (data.IsEmpty || IsClosing || !IsReading)
        {
            return;
        }
        try
        {
            SequencePosition consumed = _session.DataReceived(data);
            _unconsumed = data.Slice(consumed).ToArray();
        }
        catch (ProtoServer.ProtocolViolationException violation)
        {
            Violation = violation;
            Close();
        }
    }
}
