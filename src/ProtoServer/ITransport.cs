using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace ProtoServer;

/// <summary>A protocol's handle on its connection: the sending half, flow control, and the end.</summary>
/// <remarks>
/// Loop thread only: a call from another thread throws <see cref="InvalidOperationException"/>; come through <see cref="EventLoop.CallSoonThreadSafe(Action)"/>.
/// Writes are copied: the caller's memory is its own again when the call returns. They reach the kernel at the end of the loop's iteration,
/// in order, in one system call for all that the iteration wrote. Writes after <see cref="Close"/>, or after the peer is gone, are dropped silently;
/// writes after <see cref="WriteEof"/> throw. Source: <see href="https://docs.python.org/3/library/asyncio-protocol.html">asyncio, Transports</see>.
/// </remarks>
public interface ITransport
{
    /// <summary>The loop that this connection lives on.</summary>
    EventLoop Loop { get; }

    /// <summary>The protocol that gets the callbacks; set it to hand the connection over, from the next callback on.</summary>
    /// <remarks>The new protocol gets no <see cref="IProtocol.ConnectionMade"/>; bytes that a buffered predecessor left unconsumed go to it.</remarks>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    IProtocol Protocol { get; set; }

    /// <summary>Our end's address; still known after the end. Null where the transport has none.</summary>
    EndPoint? LocalEndPoint { get; }

    /// <summary>The peer's address; still known after the end. Null where the transport has none.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>What the connection below offers beyond this interface.</summary>
    IFeatureCollection Features { get; }

    /// <summary>Queues a copy of <paramref name="data"/>. Nothing to do when it is empty.</summary>
    /// <exception cref="InvalidOperationException">After <see cref="WriteEof"/>, or on another thread than the loop's.</exception>
    void Write(ReadOnlySpan<byte> data);

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})"/>
    void Write(ReadOnlyMemory<byte> data) => Write(data.Span);

    /// <summary>Queues a copy of each segment, in order, as one write.</summary>
    /// <exception cref="InvalidOperationException">After <see cref="WriteEof"/>, or on another thread than the loop's.</exception>
    void Write(in ReadOnlySequence<byte> data);

    /// <summary>The queue itself, to format into without a copy: <c>GetSpan</c>, fill, <c>Advance</c>.</summary>
    /// <remarks>What was advanced counts as written. After the end it swallows what is written to it.</remarks>
    IBufferWriter<byte> Output { get; }

    /// <summary>Ends our half after the queue is sent (FIN); the peer may go on sending. A second call does nothing.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanWriteEof"/> is false.</exception>
    void WriteEof();

    /// <summary>Whether the connection can be closed in one direction only: true on TCP and unix sockets, false under TLS.</summary>
    bool CanWriteEof { get; }

    /// <summary>
    /// Sends what is queued, then closes; <see cref="IProtocol.ConnectionLost"/> follows in a later iteration. No more data is received. A second call does nothing.
    /// </summary>
    /// <remarks>Bounded by <see cref="ConnectionOptions.CloseTimeout"/>: a peer that does not read is aborted then.</remarks>
    void Close();

    /// <summary>Drops what is queued and resets the connection (RST); <see cref="IProtocol.ConnectionLost"/> follows in the next iteration.</summary>
    void Abort();

    /// <summary>True from <see cref="Close"/>, <see cref="Abort"/> or the loss of the peer on.</summary>
    bool IsClosing { get; }

    /// <summary>No <c>DataReceived</c> from now on, not even in this iteration, until <see cref="ResumeReading"/>. EOF with nothing unread before it, and resets, are still noticed.</summary>
    void PauseReading();

    /// <summary>Undoes <see cref="PauseReading"/>; data follows in a later callback, never inside this call.</summary>
    void ResumeReading();

    /// <summary>Whether data can still arrive: false while paused, after EOF, and when closing.</summary>
    bool IsReading { get; }

    /// <summary>Bytes written that the kernel has not taken yet.</summary>
    long WriteBufferSize { get; }

    /// <summary>Sets the marks of flow control for this connection.</summary>
    /// <param name="highBytes">Pause strictly above this many unsent bytes. Null: four times <paramref name="lowBytes"/>, or 64 KiB. 0 pauses as soon as the kernel does not take all.</param>
    /// <param name="lowBytes">Resume at or below this many. Null: a quarter of <paramref name="highBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not 0 ≤ low ≤ high.</exception>
    void SetWriteBufferLimits(int? highBytes = null, int? lowBytes = null);
}
