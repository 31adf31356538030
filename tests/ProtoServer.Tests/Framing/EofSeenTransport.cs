using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer.Tests.Framing;

/// <summary>A transport that has seen the peer's EOF already, while bytes from before it are still being delivered.</summary>
internal sealed class EofSeenTransport : ITransport
{
    public IProtocol Protocol { get; set; } = null!;

    public EventLoop Loop => throw new NotSupportedException();

    public EndPoint? LocalEndPoint => null;

    public EndPoint? RemoteEndPoint => null;

    public IFeatureCollection Features => throw new NotSupportedException();

    public IBufferWriter<byte> Output { get; } = new ArrayBufferWriter<byte>();

    public bool CanWriteEof => true;

    public bool IsClosing => false;

    public bool IsReading => false;

    public long WriteBufferSize => 0;

    public void Write(ReadOnlySpan<byte> data)
    {
    }

    public void Write(in ReadOnlySequence<byte> data)
    {
    }

    public void WriteEof()
    {
    }

    public void Close()
    {
    }

    public void Abort()
    {
    }

    public void PauseReading()
    {
    }

    public void ResumeReading()
    {
    }

    public void SetWriteBufferLimits(int? highBytes = null, int? lowBytes = null)
    {
    }
}
